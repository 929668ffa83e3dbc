import { assertEquals, assertThrows } from "@std/assert";
import { CommandError } from "../../../errors.ts";
import { parseTrialCommand } from "./trial_commands.ts";

Deno.test("parseTrialCommand() reads verbs with and without a process", () => {
  assertEquals(parseTrialCommand("kill 2"), { verb: "kill", target: 2 });
  assertEquals(parseTrialCommand("  pause   etcd\t"), { verb: "pause", target: "etcd" });
  assertEquals(parseTrialCommand("cut 12"), { verb: "cut", target: 12 });
  assertEquals(parseTrialCommand("heal"), { verb: "heal", target: undefined });
  assertEquals(parseTrialCommand("heal 1"), { verb: "heal", target: 1 });
  assertEquals(parseTrialCommand("status"), { verb: "status" });
  assertEquals(parseTrialCommand("  "), undefined);
});

Deno.test("parseTrialCommand() says what is wrong with anything else", () => {
  const cases: Record<string, string> = {
    "foo": 'Unknown command "foo"; "help"',
    "kil 2": 'did you mean "kill"',
    "constructor": 'Unknown command "constructor"',
    "kill": 'Which broker: "kill N"',
    "kill two": '"two" is not the id of a broker',
    "kill -1": '"-1" is not',
    "kill 1 2": 'Cannot use "2": the command is "kill N"',
    "status 1": 'the command is "status"',
    "heal 1 2": 'the command is "heal [N]"',
    "cut etcd": '"pause etcd"',
    "cut": 'Which broker: "cut N"',
  };
  for (const [line, message] of Object.entries(cases)) {
    assertThrows(() => parseTrialCommand(line), CommandError, message);
  }
});
