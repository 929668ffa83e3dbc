import { assertEquals, assertStringIncludes } from "@std/assert";
import { completionScript, type Shell, SHELLS } from "./completions.ts";
import { command } from "./command.ts";
import { Program } from "./program.ts";
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

/** A program whose values are names that it knows. */
const profileProgram = new Program({
  name: "dqueue",
  summary: "A partitioned, durable log",
  version: "1.2.3",
  nouns: { profile: "Profiles" },
  commands: [
    command({
      name: "profile use",
      summary: "Use a profile",
      args: { name: { namesFrom: "profile list", doc: "Name of the profile" } },
      flags: { profile: { namesFrom: "profile list", doc: "Another" } },
      run() {},
    }),
  ],
});

/** That program, as far as completion runs it. */
const PROFILES = "dqueue() { printf 'PROFILE TLS\\nprod yes\\ntest no\\n'; }";

/** Completions of bash for the typed words, the last of them unfinished. */
function completeInBash(...words: string[]): Promise<string[]> {
  return completeProgramInBash(testProgram, ...words);
}

async function completeProgramInBash(program: Program, ...words: string[]): Promise<string[]> {
  const script = completionScript(program, "bash") + `
compopt() { :; }
${PROFILES}
COMP_WORDS=(dqueue "$@") COMP_CWORD=$#
_dqueue
printf '%s\\n' "\${COMPREPLY[@]}"
`;
  return (await runShell("bash", ["-c", script, "bash", ...words])).trim().split("\n");
}

/** Completions of fish for a line. */
async function completeInFish(line: string, program = testProgram): Promise<string[]> {
  const profiles = "function dqueue; printf 'PROFILE TLS\\nprod yes\\ntest no\\n'; end\n";
  const script = completionScript(program, "fish") + profiles +
    `complete -C ${JSON.stringify(line)}\n`;
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

Deno.test({
  name: "completionScript() completes names that the program lists",
  async fn(t) {
    await t.step({
      name: "bash",
      ignore: !canRun("bash"),
      async fn() {
        const complete = (...words: string[]) => completeProgramInBash(profileProgram, ...words);
        assertEquals(await complete("profile", "use", ""), ["prod", "test"]);
        assertEquals(await complete("profile", "use", "--profile", "t"), ["test"]);
      },
    });
    await t.step({
      name: "fish",
      ignore: !canRun("fish"),
      async fn() {
        assertEquals(await completeInFish("dqueue profile use ", profileProgram), ["prod", "test"]);
        const flag = "dqueue profile use --profile p";
        assertEquals(await completeInFish(flag, profileProgram), ["prod"]);
      },
    });
    await t.step({
      name: "zsh",
      ignore: !canRun("zsh"),
      async fn() {
        const script = "compdef() { :; }\n" + completionScript(profileProgram, "zsh") +
          `${PROFILES}\ncompadd() { shift; print -l -- "$@"; }\n` +
          "words=(dqueue profile use '') CURRENT=4 PREFIX=\n_dqueue\n";
        assertEquals(await runShell("zsh", ["-f", "-c", script]), "prod\ntest\n");
      },
    });
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
