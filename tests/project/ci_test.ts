/**
 * Checks how `.ci/run` ends, with a `deno` that prints what a test gives it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../support/broker/dqueue.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Answers for a command line by files that are named after its first words. */
const DENO = `#!/usr/bin/env bash
if [ "$1" = --version ]; then echo "deno 2.9.6 (stable)"; exit 0; fi
name=$1
[ "$1" = task ] && name=$2
folder=$(dirname "$0")/../answers
if [ -f "$folder/$name" ]; then cat "$folder/$name"; exit 1; fi
[[ $name = test* ]] && echo "ok | 5 passed | 0 failed (1s)"
exit 0
`;

/** Programs that the script would install otherwise. */
const PROGRAMS = [
  "kcat",
  "zsh",
  "fish",
  "chromium",
  "promtool",
  "prometheus",
  "etcd",
  "kafka-reassign-partitions.sh",
];

const SUCCESS = "Consumer reads ... ok (3ms)\n".repeat(2000);

/** What `deno test` prints for failed tests. */
function failure(count: number): string {
  const names = Array.from({ length: count }, (_, i) => `Log ${i} => ./storage/log_test.ts:${i}:6`);
  const errors = names.map((name) =>
    `${name}\nerror: AssertionError: Values are not equal.\n    at assertEquals${
      "\n    at x".repeat(99)
    }\n`
  );
  return `${SUCCESS}\n ERRORS \n\n${errors.join("\n")}\n FAILURES \n\n${names.join("\n")}\n\n` +
    `FAILED | 2000 passed | ${count} failed (8m2s)\n\nerror: Test failed\n`;
}

/** Runs the script with commands of `deno` that fail with an output, and returns its lines. */
async function run(answers: Readonly<Record<string, string>>): Promise<[number, string[]]> {
  await using folder = await TemporaryFolder.create();
  for (const name of [".ci", "bin", "answers"]) await Deno.mkdir(folder.join(name));
  await Deno.copyFile(`${ROOT}.ci/run`, folder.join(".ci", "run"));
  for (const name of ["deno", ...PROGRAMS]) {
    await Deno.writeTextFile(folder.join("bin", name), DENO, { mode: 0o755 });
  }
  for (const [name, output] of Object.entries(answers)) {
    await Deno.writeTextFile(folder.join("answers", name), output);
  }
  const { code, stdout } = await new Deno.Command("bash", {
    args: [folder.join(".ci", "run")],
    env: { PATH: `${folder.join("bin")}:${Deno.env.get("PATH")}` },
    stderr: "inherit",
  }).output();
  return [code, new TextDecoder().decode(stdout).trimEnd().split("\n")];
}

Deno.test(".ci/run ends with the counts if nothing failed", async () => {
  const [code, lines] = await run({});
  assertEquals(code, 0);
  assertEquals(lines.at(-1), "20 passed, 0 failed");
  assert(!lines.includes("== What failed"));
});

Deno.test(".ci/run ends with the name of a failed check, its output and the counts", async () => {
  const [code, lines] = await run({ lint: "error[no-var]: `var` is not allowed\n" });
  assertEquals(code, 1);
  assertEquals(lines.slice(-6), [
    "== Output of what failed",
    "-- Lint",
    "error[no-var]: `var` is not allowed",
    "== What failed",
    "Lint",
    "19 passed, 1 failed",
  ]);
});

Deno.test(".ci/run ends with the name and the error of a failed test", async () => {
  const [code, lines] = await run({ test: failure(1) });
  assertEquals(code, 1);
  assertEquals(lines.slice(-5), [
    "== What failed",
    "Tests: 1 failed",
    "  Log 0 => ./storage/log_test.ts:0:6",
    "  error: AssertionError: Values are not equal.",
    "2015 passed, 1 failed",
  ]);
  assert(lines.slice(-60).includes("    at assertEquals"));
});

Deno.test(".ci/run names each failed check in its last 60 lines, however many tests failed", async () => {
  const errors = failure(300);
  const [, lines] = await run({
    fmt: "error: Found 1 not formatted file\n",
    check: "TS2322 [ERROR]\n".repeat(500),
    test: errors,
    "test:doc": errors,
    "test:binary": "error: Module not found\n",
  });
  const end = lines.slice(-60);
  assert(end.includes("== What failed"));
  for (const [at, name] of ["Format", "Types", "Tests: 300 failed"].entries()) {
    assertEquals(end[end.indexOf("== What failed") + 1 + at], name);
  }
  assert(end.includes("Examples in the documentation: 300 failed"));
  assert(end.includes("Compiled binary: 1 failed"));
  assertEquals(end.filter((line) => line === "  … and more, see above").length, 2);
  assertEquals(end.at(-1), "4003 passed, 603 failed");
});

Deno.test(".ci/run counts a test that is ignored as failed, and names it", async () => {
  const output =
    `${SUCCESS}kcat reads ... ignored (0ms)\nok | 2000 passed | 0 failed | 1 ignored\n`;
  const [, lines] = await run({ test: output });
  assertEquals(lines.slice(-3), [
    "Tests: 1 failed",
    "  kcat reads ... ignored (0ms)",
    "2015 passed, 1 failed",
  ]);
});
