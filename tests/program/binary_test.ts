/**
 * Tests of the compiled program, alone in an empty folder.
 *
 * `DENO` names the Deno to compile with, by default the one that runs this test. `DENORT_BIN` names the
 * runtime base, where it cannot be downloaded.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import {
  attempt,
  type CommandLine,
  dqueue,
  ROOT,
  type RunOptions,
  taskArguments,
} from "../support/broker/dqueue.ts";
import { outside } from "../support/outside.ts";
import { realText } from "../support/real_text.ts";
import { attemptInShell, committedOffset } from "../support/broker/redirected.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];

/** One download, on any connection. */
const MAX_SIZE = 110_000_000;
const FULL = "No space left on device";

/** What the program is compiled from. */
const SOURCES = [
  "main.ts",
  "deno.json",
  "deno.lock",
  ".ci",
  ".deno",
  "broker",
  "cli",
  "client",
  "protocol",
  "storage",
];

/**
 * Compiles the program as `deno task compile` does, to another path, from sources that are gone
 * afterwards: modules that were not compiled in would be read from there.
 */
async function compile(output: string): Promise<CommandLine & { report: string }> {
  await using sources = await TemporaryFolder.create();
  const copied = await new Deno.Command("cp", {
    args: ["-r", ...SOURCES, sources.path],
    cwd: ROOT,
  }).output();
  assert(copied.success, new TextDecoder().decode(copied.stderr));
  const bundled = await new Deno.Command(Deno.execPath(), {
    args: await taskArguments("bundle"),
    cwd: sources.path,
  }).output();
  assert(bundled.success, new TextDecoder().decode(bundled.stderr));
  const args = await taskArguments("compile");
  const at = args.indexOf("dist/dqueue");
  if (at < 0) throw new Error(`Cannot find dist/dqueue in task "compile"`);
  args[at] = output;
  const { code, stderr } = await new Deno.Command(Deno.env.get("DENO") ?? Deno.execPath(), {
    args,
    cwd: sources.path,
    stdin: "null",
    stderr: "piped",
  }).output();
  const report = new TextDecoder().decode(stderr);
  assertEquals(code, 0, report);
  return { path: output, args: [], report };
}

Deno.test("Compiled program serves, produces and consumes in an empty folder", async (t) => {
  await using folder = await TemporaryFolder.create();
  const program = await compile(folder.join("dqueue"));
  const cwd = folder.join("empty");
  await Deno.mkdir(cwd);
  const options: RunOptions = { program, cwd, env: { DENO_DIR: folder.join("no-cache") } };
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  assertMatch(await dqueue(["version"], options), new RegExp(`\\b${RegExp.escape(version)}\\b`));

  await t.step("holds the packages it needs and no others", async () => {
    // deno-lint-ignore no-control-regex
    const plain = program.report.replaceAll(/\x1b\[[\d;]*m/g, "");
    const packages = Array.from(
      plain.matchAll(/ (\S+)\/\d+\.\d+\.\d+\/| (@\S+)\/\* /g),
      ([, name, scoped]) => name ?? scoped,
    );
    assertEquals(
      packages.sort(),
      ["@marcbachmann/cel-js", "@opentelemetry/api", "fzstd", "hono", "hysnappy", "jose", "re2js"],
      plain,
    );
    const { size } = await Deno.stat(program.path);
    assert(size < MAX_SIZE, `it has ${size} bytes`);
  });

  const text = new TextDecoder().decode(await realText(5000));
  let broker = await BrokerProcess.start({ data: "data", program, cwd });
  try {
    const run = (args: string[], input = "") =>
      dqueue([...args, "-b", broker.address], { ...options, input });
    for (const codec of CODECS) {
      await t.step(`writes with ${codec}`, async () => {
        await run(["topic", "create", codec, "--partitions", "1"]);
        await run(["produce", codec, "-z", codec], text);
      });
    }
    await broker.stop();
    broker = await BrokerProcess.start({ data: "data", program, cwd });
    for (const codec of CODECS) {
      await t.step(`reads ${codec} after a restart`, async () => {
        assertEquals(await run(["consume", codec, "-o", "start", "-e"]), text);
      });
    }
    await t.step("fails and commits nothing if its output cannot be written", async () => {
      const inShell = (args: string[], redirection: string) => {
        return attemptInShell([...args, "-b", broker.address], redirection, options);
      };
      for (const args of [["topic", "list"], ["consume", "none", "-e", "-g", "g"]]) {
        const { code, stderr } = await inShell(args, "> /dev/full");
        assertEquals(code, 1, stderr);
        assertStringIncludes(stderr, `Cannot write to standard output: ${FULL}`);
      }
      const env = { ...options.env, DQUEUE_BROKERS: broker.address };
      assertEquals(await committedOffset("g", { ...options, env }), 0);
      assertEquals((await inShell(["consume", "none", "-e"], "2> /dev/full")).code, 0);
      assertEquals((await inShell(["consume", "none", "-e"], "| true")).stderr, "");
    });
    await t.step("refuses an unknown variable", async () => {
      const env = { ...options.env, DQUEUE_BROKER: broker.address };
      const { code, stderr } = await attempt(["topic", "list"], { ...options, env });
      assertEquals(code, 2);
      assertStringIncludes(stderr, 'Unknown variable "DQUEUE_BROKER", did you mean');
    });
    await broker.stop("SIGINT");
  } finally {
    await broker[Symbol.asyncDispose]();
  }
  await t.step("serves what HTTP loads when it is asked for", async () => {
    const flags = ["--http", "127.0.0.1:0"];
    await using broker = await BrokerProcess.start({ data: "data", program, cwd, flags });
    const urlOf = () => broker.log.join("\n").match(/Serving HTTP url=(\S+)/)?.[1];
    await within(
      (async () => {
        while (urlOf() === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
      })(),
      "HTTP",
    );
    for (const path of ["/metrics", "/v3/clusters", "/ui/"]) {
      const response = await fetch(`${urlOf()}${path}`);
      await response.body?.cancel();
      assertEquals(response.status, 200, path);
    }
    await broker.stop();
  });
  await t.step("runs brokers in workers", async () => {
    const flags = ["--workers", "2"];
    const listen = "127.0.0.1:0";
    await using brokers = await BrokerProcess.start({ data: "data", listen, program, cwd, flags });
    const run = (args: string[], input = "") =>
      dqueue([...args, "-b", brokers.address], { ...options, input });
    await run(["topic", "create", "spread", "--partitions", "4"]);
    await run(["produce", "spread"], text);
    assertEquals((await run(["consume", "spread", "-o", "start", "-e"])).length, text.length);
    assertMatch(await run(["cluster", "info"]), /^ +2 /m);
    await brokers.stop("SIGINT");
  });
  if (outside("etcd") !== undefined) {
    await t.step("runs itself as the brokers of a trial cluster", async () => {
      const args = ["cluster", "try", "--brokers", "2"];
      const output = await dqueue(args, { ...options, input: "status\nquit\n" });
      assertMatch(output, /^broker 2 +running +\d+ +127\.0\.0\.1:\d+$/m);
    });
  }
  assertEquals(await Array.fromAsync(Deno.readDir(cwd), ({ name }) => name), ["data"]);
});
