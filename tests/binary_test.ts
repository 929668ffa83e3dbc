/**
 * The compiled program does the main job in an empty folder, with nothing else at hand.
 *
 * `DENO` names the Deno to compile with, if it is not to be the one that runs this test, and
 * `DENORT_BIN` the runtime base for it, where Deno's own site is out of reach.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { BrokerProcess } from "./support/broker_process.ts";
import {
  type CommandLine,
  dqueue,
  ROOT,
  type RunOptions,
  taskArguments,
} from "./support/dqueue.ts";
import { realText } from "./support/real_text.ts";
import { TemporaryFolder } from "./support/temporary_folder.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];

/** Compiles the program as `deno task compile` does, to another place. */
async function compile(output: string): Promise<CommandLine> {
  const args = await taskArguments("compile");
  const at = args.indexOf("dist/dqueue");
  if (at < 0) throw new Error(`Cannot find dist/dqueue in task "compile"`);
  args[at] = output;
  const { code, stderr } = await new Deno.Command(Deno.env.get("DENO") ?? Deno.execPath(), {
    args,
    cwd: ROOT,
    stdin: "null",
    stderr: "piped",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return { path: output, args: [] };
}

Deno.test("The compiled program serves, produces and consumes in an empty folder", async (t) => {
  await using folder = await TemporaryFolder.create();
  const program = await compile(folder.join("dqueue"));
  const cwd = folder.join("empty");
  await Deno.mkdir(cwd);
  const options: RunOptions = { program, cwd, env: { DENO_DIR: folder.join("no-cache") } };
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  assertMatch(await dqueue(["version"], options), new RegExp(`\\b${RegExp.escape(version)}\\b`));

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
    await broker.stop("SIGINT");
  } finally {
    await broker[Symbol.asyncDispose]();
  }
  assertEquals(await Array.fromAsync(Deno.readDir(cwd), ({ name }) => name), ["data"]);
});
