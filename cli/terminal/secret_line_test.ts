import { assertEquals, assertRejects } from "@std/assert";
import { InterruptedError } from "../errors.ts";
import { readSecret, SecretLine } from "./secret_line.ts";
import { testContext } from "./test_context.ts";

const ENCODER = new TextEncoder();

/** The line after some keys, which arrive one by one. */
function typed(...keys: string[]): { text: string; state: string } {
  const line = new SecretLine();
  let state = "more";
  for (const key of keys) state = line.push(ENCODER.encode(key));
  return { text: line.text, state };
}

Deno.test("SecretLine takes keys of a terminal", () => {
  assertEquals(typed("s", "e", "t"), { text: "set", state: "more" });
  assertEquals(typed("pasted", "\r"), { text: "pasted", state: "done" });
  assertEquals(typed("a\nb"), { text: "a", state: "done" });
  assertEquals(typed("a", "\x04"), { text: "a", state: "done" });
  assertEquals(typed("ab", "\x03").state, "interrupted");
  assertEquals(typed("a", "ü", "\x7f", "b").text, "ab");
  assertEquals(typed("\x7f", "a", "\b", "\b", "b").text, "b");
  assertEquals(typed("wrong", "\x15", "right").text, "right");
  assertEquals(typed("a", "\x1b[D", "b").text, "ab");
});

Deno.test("readSecret() shows the question on standard error, and no answer", async () => {
  const context = testContext({ stdinIsTerminal: true, typed: ["canary"] });
  assertEquals(await readSecret(context, "Password:"), "canary");
  assertEquals([context.stdoutText(), context.stderrText()], ["", "Password: \n"]);
});

Deno.test("readSecret() shows input again after Ctrl-C and after the end of the command", async () => {
  const raw: boolean[] = [];
  const keyboard = (read: (buffer: Uint8Array) => Promise<number | null>) => ({
    setRaw: (isRaw: boolean) => void raw.push(isRaw),
    read,
  });
  const ctrlC = {
    ...testContext(),
    keyboard: keyboard((buffer) => {
      buffer[0] = 3;
      return Promise.resolve(1);
    }),
  };
  await assertRejects(() => readSecret(ctrlC, "Password:"), InterruptedError);
  const context = testContext();
  const hanging = { ...context, keyboard: keyboard(() => new Promise(() => {})) };
  const asked = readSecret(hanging, "Password:");
  context.stop.abort(new DOMException("Terminated", "AbortError"));
  await assertRejects(() => asked, DOMException, "Terminated");
  assertEquals(raw, [true, false, true, false]);
});
