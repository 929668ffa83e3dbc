/**
 * Tests of the scripts in `examples/`. (`embedded_broker_test.ts` is a test itself.)
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { Client, type Message } from "../../client/mod.ts";
import { ROOT } from "../support/broker/dqueue.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { within } from "../support/within.ts";

/** Makes the command of an example. */
function example(
  stderr: "inherit" | "piped",
  stdin: "null" | "piped",
  name: string,
  ...args: string[]
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", "--allow-read", `examples/${name}`, ...args],
    cwd: ROOT,
    stdin,
    stdout: "piped",
    stderr,
    env: { NO_COLOR: "1", DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0" },
  });
}

async function run(name: string, ...args: string[]): Promise<{ code: number; lines: string[] }> {
  const { code, stdout } = await example("inherit", "null", name, ...args).output();
  return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
}

Deno.test("examples/produce_consume.ts reads back what it wrote", async () => {
  await using local = await LocalBroker.start();
  const { code, lines } = await run("produce_consume.ts", local.address);
  assertEquals(code, 0);
  assertEquals(lines.filter((line) => line.startsWith("written to partition ")).length, 4);
  assertEquals(lines.filter((line) => line.startsWith("read ")).sort(), [
    "read planet 1: Mercury",
    "read planet 2: Venus",
    "read planet 3: Earth",
    "read planet 4: Mars",
  ]);
});

Deno.test("examples/pipe_stdin.ts sends each line of the standard input", async () => {
  await using local = await LocalBroker.start();
  const child = example("inherit", "piped", "pipe_stdin.ts", "lines", local.address).spawn();
  const lines = Array.from({ length: 5000 }, (_, i) => i % 7 === 0 ? "" : `line ${i} é`);
  // The lines end in every way, and are cut anywhere by the pipe.
  const bytes = new TextEncoder().encode(`${lines.slice(0, -1).join("\n")}\r\n${lines.at(-1)}`);
  const writer = child.stdin.getWriter();
  for (let at = 0; at < bytes.length; at += 4093) await writer.write(bytes.slice(at, at + 4093));
  await writer.close();
  assertEquals((await child.status).code, 0);
  await child.stdout.cancel();
  await using client = new Client({ brokers: local.address });
  const consumer = client.consumer();
  await consumer.subscribe("lines");
  const read: Message[] = [];
  while (read.length < lines.length) read.push(...await within(consumer.poll(), "the lines"));
  assertEquals(read.map((message) => message.text()), lines);
});

Deno.test("examples/pipe_stdin.ts fails when the broker refuses a line", async () => {
  await using local = await LocalBroker.start();
  const child = example("piped", "piped", "pipe_stdin.ts", "not/a/topic", local.address).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("line\n")).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stderr } = await child.output();
  assertEquals(code, 1);
  assertMatch(new TextDecoder().decode(stderr), /INVALID_TOPIC/);
});

Deno.test("examples/create_topics.ts creates topics and reports those it could not create", async () => {
  await using local = await LocalBroker.start();
  const args = ["create_topics.ts", "examples/topics.json", local.address] as const;
  const topics = JSON.parse(await Deno.readTextFile(`${ROOT}examples/topics.json`));
  const first = await run(...args);
  assertEquals(first.code, 0);
  assertEquals(first.lines.length, topics.length);
  for (const line of first.lines) assertMatch(line, /^\S+: created with \d+ partitions$/);
  const again = await run(...args);
  assertEquals(again.code, 1);
  for (const line of again.lines) assertMatch(line, /^\S+: .*already exists/);
});

Deno.test("examples/sse_page.ts shows a topic as it grows", async () => {
  await using local = await LocalBroker.start();
  await using client = new Client({ brokers: local.address });
  await using producer = client.producer();
  await producer.sendBatch(["a", "b"].map((value) => ({ topic: "events", value })));
  const child = example("piped", "null", "sse_page.ts", "events", local.address).spawn();
  try {
    const url = await within(listeningAt(child.stderr), "the page to be served");
    const page = await fetch(url);
    assertMatch(await page.text(), /^<!doctype html>/);
    const events = await fetch(`${url}events`, { headers: { "last-event-id": "0" } });
    assertEquals(events.headers.get("content-type"), "text/event-stream");
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await within(reader.read(), "an event")).value, 'id: 1\ndata: "b"\n\n');
    await producer.send({ topic: "events", value: "c" });
    assertEquals((await within(reader.read(), "an event")).value, 'id: 2\ndata: "c"\n\n');
    await reader.cancel();
  } finally {
    child.kill();
    await child.status;
    await child.stdout.cancel();
  }
});

Deno.test("examples/group_consumer.ts commits after messages, after batches and on a timer", async (t) => {
  await using local = await LocalBroker.start({
    config: { "group.initial.rebalance.delay.ms": 0 },
  });
  await using client = new Client({ brokers: local.address });
  const admin = client.admin();
  await admin.createTopic({ name: "orders", partitions: 1 });
  await using producer = client.producer();
  let end = 0;
  for (const way of ["message", "batch", "timer"]) {
    await t.step(way, async () => {
      await producer.sendBatch(["a", "b"].map((value) => ({ topic: "orders", value })));
      const child = example("piped", "null", "group_consumer.ts", way, local.address).spawn();
      const connections = new Response(child.stderr).text();
      const printed = printedUntil(
        child.stdout,
        `offset ${end + 1}: b`,
        () => child.kill("SIGINT"),
      );
      const lines = await within(printed, "the orders to be handled");
      assertEquals((await child.status).code, 0);
      assertEquals(lines, [
        "assigned 1 partitions",
        `partition 0, offset ${end}: a`,
        `partition 0, offset ${end + 1}: b`,
        "revoked 1 partitions",
      ]);
      assertEquals((await connections).trim().split("\n").sort(), [
        `${local.address} is connected`,
        `${local.address} is disconnected`,
      ]);
      end += 2;
      const [committed] = await admin.listGroupOffsets("billing");
      assertEquals(committed!.offset, end);
    });
  }
});

Deno.test("examples/exactly_once.ts books transfers and writes a notice of each", async () => {
  await using local = await LocalBroker.start({
    config: { "group.initial.rebalance.delay.ms": 0 },
  });
  const child = example("inherit", "null", "exactly_once.ts", local.address).spawn();
  const lines: string[] = [];
  const read = async () => {
    for await (const line of linesOf(child.stdout)) {
      lines.push(line);
      if (lines.length === 7) child.kill("SIGINT");
    }
  };
  await within(read(), "the notices to be printed");
  assertEquals((await child.status).code, 0);
  assertEquals(lines.slice(0, 3), ["transferred 10", "transferred 20", "refused to transfer -1"]);
  assertEquals(lines.slice(3).sort(), [
    "notice: ann pays 10",
    "notice: ann pays 20",
    "notice: bob receives 10",
    "notice: bob receives 20",
  ]);
});

/** Returns all lines of a stream; calls `onText` when one of them ends with `text`. */
async function printedUntil(
  stdout: ReadableStream<Uint8Array<ArrayBuffer>>,
  text: string,
  onText: () => void,
): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(stdout)) {
    lines.push(line);
    if (line.endsWith(text)) onText();
  }
  return lines;
}

/** Finds the address that `Deno.serve()` prints; the variable above makes it choose a free port. */
async function listeningAt(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  for await (const line of linesOf(stderr)) {
    const [url] = /http:\/\/\S+/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error("No address was printed");
}

function linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<string> {
  return stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
}
