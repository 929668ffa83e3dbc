/**
 * Many readers of one topic over HTTP, some of which stop reading, and what they cost producers.
 *
 *     deno run -A bench/broker/stream_readers.ts [READERS] [STALLED] [SECONDS]
 *
 * Sends 1,000 messages of 200 bytes a second with acks=1, once without readers and once with them, and
 * prints the latency of acknowledgements, what readers got, and the broker's memory. Readers, producer and
 * broker share the machine; readers are in a process of their own.
 *
 * @module
 */

import { TextLineStream } from "@std/streams";
import { Client } from "../../client/mod.ts";
import { defaultCommand } from "../support/brokers/served_broker.ts";

const RATE = 1000;
const TICK_MS = 10;
const VALUE = "x".repeat(200);
const TOPIC = "stream";

interface Result {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly sent: number;
}

if (Deno.args[0] === "readers") {
  await readers(Deno.args[1]!, Number(Deno.args[2]), Number(Deno.args[3]));
} else {
  const [count = 1000, stalled = 100, seconds = 15] = Deno.args.map(Number);
  await main(count, stalled, seconds);
}

async function main(count: number, stalled: number, seconds: number): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [program, ...args] = defaultCommand();
  const broker = new Deno.Command(program!, {
    args: [
      ...args,
      ...["serve", "--data", `${folder}/data`, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    const { address, url } = await addressesOf(broker.stderr);
    await using client = new Client({ brokers: address });
    await client.admin().createTopic({ name: TOPIC });
    await load(client, 3);
    print("without readers", await load(client, seconds), await residentOf(broker.pid));
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        new URL(import.meta.url).pathname,
        "readers",
        url,
        `${count}`,
        `${stalled}`,
      ],
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    await lines.read();
    print(
      `with ${count} readers, ${stalled} of them stalled`,
      await load(client, seconds),
      await residentOf(broker.pid),
    );
    child.kill("SIGTERM");
    const { value } = await lines.read();
    console.log(value);
    await child.status;
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const [, sum] = /^dqueue_event_loop_delay_seconds_sum (\S+)$/m.exec(metrics) ?? [];
    console.log(`event loop delay, sum: ${sum ?? "?"} s`);
  } finally {
    broker.kill("SIGTERM");
    await broker.status;
    await Deno.remove(folder, { recursive: true });
  }
}

async function addressesOf(
  stderr: ReadableStream<Uint8Array>,
): Promise<{ address: string; url: string }> {
  let address = "";
  const lines = stderr.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines.values({ preventCancel: true })) {
    address = /Listening address=(\S+)/.exec(line)?.[1] ?? address;
    const [, url] = /Serving HTTP url=(\S+)/.exec(line) ?? [];
    if (url !== undefined) return { address, url };
  }
  throw new Error("The broker did not start");
}

/** Sends at a fixed rate, whatever the answers take. */
async function load(client: Client, seconds: number): Promise<Result> {
  await using producer = client.producer({ acks: 1, lingerMs: 0 });
  const latencies: number[] = [];
  const pending = new Set<Promise<void>>();
  const startMs = performance.now();
  for (let due = 0; due < seconds * RATE;) {
    const dueMs = startMs + due * 1000 / RATE;
    if (performance.now() < dueMs) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      continue;
    }
    const sent = producer.send({ topic: TOPIC, value: VALUE }).then(() => {
      latencies.push(performance.now() - Math.max(dueMs, startMs));
      pending.delete(sent);
    });
    pending.add(sent);
    due++;
  }
  await Promise.all(pending);
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor((latencies.length - 1) * part)]!;
  return { p50: at(0.5), p99: at(0.99), max: at(1), sent: latencies.length };
}

function print(what: string, { p50, p99, max, sent }: Result, resident: number): void {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  console.log(
    `${what}: ${sent} acknowledged, p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)}; ` +
      `broker ${(resident / 2 ** 20).toFixed(0)} MiB`,
  );
}

async function residentOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Opens readers, and prints at the end how many records those that read have got. */
async function readers(url: string, count: number, stalled: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const request = new TextEncoder().encode(
    `GET /topics/${TOPIC}/stream HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`,
  );
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const conn = await Deno.connect({ hostname, port: Number(port) });
    await conn.write(request);
    const buffer = new Uint8Array(65536);
    await conn.read(buffer);
    if (i < stalled) continue;
    (async () => {
      for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
        bytes += size;
      }
    })();
  }
  console.log("ready");
  await new Promise<void>((resolve) => Deno.addSignalListener("SIGTERM", resolve));
  console.log(`readers got ${(bytes / 2 ** 20).toFixed(0)} MiB`);
  Deno.exit(0);
}
