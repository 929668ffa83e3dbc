import { assertEquals, assertStringIncludes } from "@std/assert";
import { completionScript, type Shell, SHELLS } from "./completions.ts";
import { testProgram } from "./test_program.ts";

/** Whether a shell is installed and may be run. */
function canRun(shell: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "run", command: shell });
  if (state !== "granted") return false;
  try {
    return new Deno.Command(shell, { args: ["-c", "true"] }).outputSync().success;
  } catch {
    return false;
  }
}

async function runShell(shell: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(shell, { args: [...args] }).output();
  const decoder = new TextDecoder();
  assertEquals({ success, stderr: decoder.decode(stderr) }, { success: true, stderr: "" });
  return decoder.decode(stdout);
}

/** Completions of bash for the typed words, the last of them unfinished. */
async function completeInBash(...words: string[]): Promise<string[]> {
  const script = completionScript(testProgram, "bash") + `
compopt() { :; }
COMP_WORDS=(dqueue "$@") COMP_CWORD=$#
_dqueue
printf '%s\\n' "\${COMPREPLY[@]}"
`;
  return (await runShell("bash", ["-c", script, "bash", ...words])).trim().split("\n");
}

/** Completions of fish for a line. */
async function completeInFish(line: string): Promise<string[]> {
  const script = completionScript(testProgram, "fish") + `complete -C ${JSON.stringify(line)}\n`;
  const offers = await runShell("fish", ["--no-config", "-c", script]);
  return offers.trim().split("\n").map((offer) => offer.split("\t")[0]!).sort();
}

Deno.test("completionScript() contains every command and flag for every shell", () => {
  for (const shell of SHELLS) {
    const script = completionScript(testProgram, shell);
    for (const command of testProgram.commands) {
      assertStringIncludes(script, ` ${command.name}`);
      for (const { name } of command.flags) assertStringIncludes(script, name);
    }
  }
});

Deno.test({
  name: "completionScript() completes commands, flags, choices and files in bash",
  ignore: !canRun("bash"),
  async fn() {
    const commands = ["serve", "consume", "topic", "log", "fail", "wait", "half"];
    assertEquals(await completeInBash(""), commands);
    assertEquals(await completeInBash("to"), ["topic"]);
    assertEquals(await completeInBash("topic", ""), ["create", "list"]);
    assertEquals(await completeInBash("topic", "create", "--p"), ["--partitions"]);
    assertEquals(await completeInBash("topic", "create", "a", "--if"), ["--if-not-exists"]);
    assertEquals(await completeInBash("consume", "-z", "s"), ["snappy"]);
    assertEquals(await completeInBash("consume", "--compression", "=", "l"), ["lz4"]);
    assertEquals(
      await completeInBash("consume", "--compression", "=").then((all) => all.length),
      5,
    );
    assertEquals(await completeInBash("consume", "--group", ""), [""]);
    assertEquals(await completeInBash("--brokers", "h", "topic", "l"), ["list"]);
    const here = import.meta.dirname!;
    const files = await completeInBash("log", "dump", `${here}/completions_t`);
    assertEquals(files, [`${here}/completions_test.ts`]);
    assertEquals(await completeInBash("topic", "list", "--config", `${here}/completions_t`), files);
  },
});

Deno.test({
  name: "completionScript() completes commands, flags, choices and files in fish",
  ignore: !canRun("fish"),
  async fn() {
    assertEquals(await completeInFish("dqueue to"), ["topic"]);
    assertEquals(await completeInFish("dqueue topic "), ["create", "list"]);
    assertEquals(await completeInFish("dqueue topic create --part"), ["--partitions"]);
    assertEquals(await completeInFish("dqueue consume -z s"), ["snappy"]);
    assertEquals(await completeInFish("dqueue consume --compression=l"), ["--compression=lz4"]);
    const here = import.meta.dirname!;
    assertEquals(await completeInFish(`dqueue log dump ${here}/completions_t`), [
      `${here}/completions_test.ts`,
    ]);
  },
});

for (const shell of ["bash", "zsh", "fish"] satisfies Shell[]) {
  Deno.test({
    name: `completionScript() is valid for ${shell}`,
    ignore: !canRun(shell),
    async fn() {
      const path = await Deno.makeTempFile();
      try {
        await Deno.writeTextFile(path, completionScript(testProgram, shell));
        assertEquals(await runShell(shell, ["-n", path]), "");
      } finally {
        await Deno.remove(path);
      }
    },
  });
}
