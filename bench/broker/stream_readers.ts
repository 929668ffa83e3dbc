/**
 * Many readers of one topic over HTTP, some of which stop reading, and what they cost producers.
 *
 *     deno run -A bench/broker/stream_readers.ts [--readers 1000] [--stalled 100] [--seconds 15] [--runs 3] [--json]
 *
 * Sends 1,000 messages of 200 bytes a second with acks=1, without readers and then with them, and measures
 * the latency of acknowledgements, what readers get, and the broker's memory. Readers, producer and broker
 * share the machine; readers are in a process of their own. Each run has a new broker.
 *
 * @module
 */

import { TextLineStream } from "@std/streams";
import { Client } from "../../client/mod.ts";
import { residentBytes } from "../support/brokers/process_usage.ts";
import { freePort, ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";
import { parseFlags } from "../support/flags.ts";
import { describeMachine } from "../support/report/machine.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";

const RATE = 1000;
const TICK_MS = 1;
const WARM_UP_SECONDS = 3;
const VALUE = "x".repeat(200);
const TOPIC = "stream";
/** The word by which this program starts itself as the readers. */
const AS_READERS = "as-readers";

/** What one load has measured. */
interface Result {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Resident memory of the broker at the end. */
  readonly residentMb: number;
  /** What the readers have got. */
  readonly readMb: number;
}

if (Deno.args[0] === AS_READERS) {
  await readers(Deno.args[1]!, Number(Deno.args[2]), Number(Deno.args[3]));
} else {
  await main();
}

async function main(): Promise<void> {
  const { flags } = parseFlags({
    readers: "1000",
    stalled: "100",
    seconds: "15",
    runs: "3",
    json: false,
  });
  const [count, stalled, seconds, runs] = [
    flags.readers,
    flags.stalled,
    flags.seconds,
    flags.runs,
  ].map(Number) as [number, number, number, number];
  const without = "without readers";
  const withReaders = `with ${count.toLocaleString("en-US")} readers, ${stalled} stalled`;
  const results = new Map<string, Result[]>([[without, []], [withReaders, []]]);
  for (let run = 1; run <= runs; run++) {
    await using folder = await temporaryFolder();
    const http = `127.0.0.1:${freePort()}`;
    await using broker = ServedBroker.start({ data: folder.join("data"), settings: { http } });
    (await broker.connect()).close();
    await using client = new Client({ brokers: broker.address });
    await client.admin().createTopic({ name: TOPIC });
    const loaded = async (name: string, during = () => Promise.resolve(0)) => {
      const latencies = await load(client, seconds);
      const residentMb = residentBytes(broker.pid)! / 1e6;
      const result = { ...latencies, residentMb, readMb: await during() };
      results.get(name)!.push(result);
      progress(`${run}/${runs} ${name}: p99 ${result.p99.toFixed(2)} ms`);
    };
    await load(client, WARM_UP_SECONDS);
    await loaded(without);
    await using child = await startReaders(`http://${http}`, count, stalled);
    await loaded(withReaders, () => child.end());
  }
  const row = (name: string, unit: string, key: keyof Result, isKey = false): Row => ({
    name,
    unit,
    better: key === "readMb" ? "higher" : "lower",
    isKey,
    results: Object.fromEntries(
      [...results].map(([name, each]) => [name, measured(each.map((result) => result[key]))]),
    ),
  });
  printReport(
    {
      title: "Readers over HTTP",
      isSeries: true,
      settings: {
        ...describeMachine(),
        load:
          `${RATE} messages/s of ${VALUE.length} bytes, acks=1, by Server-Sent Events to all readers`,
        runs: `${runs} of ${seconds} s each, medians`,
      },
      rows: [
        row("acknowledged, p50", "ms", "p50"),
        row("acknowledged, p99", "ms", "p99", true),
        row("acknowledged, longest", "ms", "max"),
        row("resident memory of the broker, at the end", "MB", "residentMb"),
        row("read by all readers", "MB", "readMb"),
      ],
    },
    flags.json,
  );
}

/** Starts the process of the readers. Returns when each has got an answer. */
async function startReaders(url: string, count: number, stalled: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", new URL(import.meta.url).pathname],
      ...[AS_READERS, url, `${count}`, `${stalled}`],
    ],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  await lines.read();
  let isEnded = false;
  return {
    /** Ends them, and returns the megabytes they have read. */
    async end(): Promise<number> {
      isEnded = true;
      child.kill("SIGTERM");
      const { value } = await lines.read();
      await lines.cancel();
      await child.status;
      return Number(value) / 1e6;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (!isEnded) await this.end();
    },
  };
}

/** Sends at a fixed rate, whatever the answers take. */
async function load(client: Client, seconds: number): Promise<Pick<Result, "p50" | "p99" | "max">> {
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
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Opens readers, and prints at the end how many bytes those that read have got. */
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
  console.log(bytes);
  Deno.exit(0);
}
