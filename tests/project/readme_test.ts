/**
 * The README's tour and programs, run as they are printed there.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { DELIMITER, dirname, toFileUrl } from "@std/path";
import { fromSource, ROOT } from "../support/broker/dqueue.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { freePort } from "../support/free_port.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

/** Precedes the block of commands of the tour. */
const TOUR = "<!-- tour:";

/** A command and the output that the README shows for it. */
interface Step {
  readonly command: string;
  readonly output: string;
}

/** Returns the code blocks in a language, in order. */
function blocksOf(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return Array.from(markdown.matchAll(fence), ([, block]) => block!);
}

/** Splits a block into commands, lines that start with `$ `, and the output below each. */
function stepsOf(block: string): Step[] {
  return block.split(/^\$ /m).slice(1).map((part) => {
    const end = part.indexOf("\n");
    return { command: part.slice(0, end), output: part.slice(end + 1).trimEnd() };
  });
}

/** Replaces what differs from run to run: timestamps, addresses, trailing blanks. */
function timeless(text: string): string {
  return text
    .replace(/\b1[6-9]\d{11}\b/g, "<timestamp>")
    .replace(/\b(?:localhost|127\.0\.0\.1):\d+/g, "<address>")
    .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?/g, "<time>")
    .replace(/[ \t]+$/gm, "");
}

/** Runs a command in the checkout against the broker at an address, and returns its output. */
async function run(command: string, address: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", command],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: {
      DQUEUE_BROKERS: address,
      NO_COLOR: "1",
      PATH: `${dirname(Deno.execPath())}${DELIMITER}${Deno.env.get("PATH")}`,
    },
  }).output();
  assertEquals(code, 0, `${command}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trimEnd();
}

Deno.test("README.md: the tour prints what it shows", async (t) => {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const at = readme.indexOf(TOUR);
  assert(at >= 0, `README.md has a comment "${TOUR}"`);
  const steps = stepsOf(blocksOf(readme.slice(at), "sh")[0] ?? "");
  assert(steps.length > 0, "the tour has commands");
  await using local = await LocalBroker.start({
    config: { "group.initial.rebalance.delay.ms": 0 },
  });
  for (const { command, output } of steps) {
    await t.step(command, async () => {
      assertEquals(timeless(await run(command, local.address)), timeless(output));
    });
  }
});

/** The block of commands below a comment. */
function blockBelow(markdown: string, comment: string): string {
  const at = markdown.indexOf(comment);
  assert(at >= 0, `README.md has a comment "${comment}"`);
  return blocksOf(markdown.slice(at), "sh")[0]!;
}

testWith("openssl", "README.md: a broker is secured as it shows", async (_, t) => {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  await using folder = await TemporaryFolder.create();
  const { path, args } = await fromSource("dqueue");
  const program = [path, ...args].map((word) => `'${word}'`).join(" ");
  const port = `${freePort()}`;
  const here = (text: string) =>
    text.replaceAll("deno task -q dqueue", program).replaceAll("9093", port);
  const options = {
    cwd: folder.path,
    stdin: "null",
    env: { DQUEUE_HTTP: "off", NO_COLOR: "1", XDG_CONFIG_HOME: folder.join("config") },
  } as const;
  const runHere = async (command: string) => {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", here(command)],
      ...options,
      stdout: "piped",
      stderr: "piped",
    }).output();
    assertEquals(code, 0, `${command}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout).trimEnd();
  };
  await runHere(blockBelow(readme, "<!-- secure files:"));
  const broker = new Deno.Command("sh", {
    // Without a shell in between, which would not pass signals on.
    args: ["-c", `exec ${here(blockBelow(readme, "<!-- secure broker"))}`],
    ...options,
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const listening = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const text of broker.stderr.pipeThrough(new TextDecoderStream())) {
      log += text;
      if (log.includes("Listening address=")) listening.resolve();
    }
    listening.reject(new Error(log));
  })();
  try {
    await within(listening.promise, "the broker to listen");
    for (const { command, output } of stepsOf(blockBelow(readme, "<!-- secure tour"))) {
      await t.step(command, async () => {
        assertEquals(timeless(await runHere(command)), timeless(output));
      });
    }
    const secrets = ["admin.password", "alice.password"].map((file) =>
      Deno.readTextFileSync(folder.join(file)).trim()
    );
    for (const secret of secrets) assert(!log.includes(secret), "no password is in the log");
  } finally {
    broker.kill();
    await broker.status;
    await reading.catch(() => {});
  }
});

for (const document of ["README.md", "client/README.md"]) {
  Deno.test(`${document}: its programs run`, async (t) => {
    const url = new URL(document, toFileUrl(ROOT));
    const programs = blocksOf(await Deno.readTextFile(url), "ts").map((program) =>
      program.replaceAll(/(?<=from ")\.[^"]+(?=")/g, (path) => new URL(path, url).href)
    );
    assert(programs.length > 0, "the document has programs");
    await using folder = await TemporaryFolder.create();
    for (const [index, program] of programs.entries()) {
      await t.step(`program ${index + 1}`, async () => {
        await using local = await LocalBroker.start();
        const script = folder.join(`program_${index}.ts`);
        await Deno.writeTextFile(script, program.replaceAll("localhost:9092", local.address));
        const child = new Deno.Command(Deno.execPath(), {
          args: ["run", "--quiet", "--no-prompt", "--allow-net", script],
          cwd: folder.path,
          stdin: "null",
          stdout: "piped",
          stderr: "inherit",
        }).spawn();
        // A program that does not end has done enough once it has printed something.
        const reader = child.stdout.getReader();
        const { done } = await within(reader.read(), "the program to print or end");
        if (!done) child.kill();
        await reader.cancel();
        const { code } = await child.status;
        if (done) assertEquals(code, 0);
      });
    }
  });
}
