/**
 * The SDK: how many messages a program can send and read with it, and what each costs.
 *
 *     deno run -A bench/client.ts [ADDRESS] [--embedded] [--runs 3] [--seconds 2] [--only TEXT] [--json]
 *
 * Without an address it starts this project's broker on a new folder, on a core of its own where there
 * are two. `--embedded` measures against a broker in this process, whose work is then part of the
 * figures. Sending is with acks=all and what the SDK does unless it is told otherwise; reading touches
 * every value. The processor time is that of this process alone, all its threads.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { Broker } from "../broker/mod.ts";
import { Client, type OutgoingMessage } from "../client/mod.ts";
import { describeMachine } from "./support/machine.ts";
import { pin } from "./support/process_usage.ts";
import { measured, median, printReport, progress, type Row } from "./support/report.ts";
import { ServedBroker } from "./support/served_broker.ts";
import { temporaryFolder } from "./support/temporary_folder.ts";

/** How many messages are given to `sendBatch()`, or sent before a promise is awaited, at a time. */
const CHUNK = 1000;
/** How many such chunks are on their way at most. */
const CHUNKS_IN_FLIGHT = 32;
/** What is written to be read again and again. */
const READ_BYTES = 64 * 1024 * 1024;
const POLL_MAX = 10_000;

/** A way of using the SDK. Takes part until `until`, and returns how many messages it has moved. */
interface Scenario {
  readonly name: string;
  readonly size: number;
  readonly aim?: number;
  run(client: Client, topic: string, size: number, until: number): Promise<number>;
}

const SIZES = [100, 1000];
const SCENARIOS: readonly Scenario[] = SIZES.flatMap((size): Scenario[] => {
  const aims = size === 100;
  return [
    {
      name: "produce, sendBatch() of bytes",
      size,
      run: sendBatches,
      ...(aims ? { aim: 2e6 } : {}),
    },
    { name: "produce, sendBatch() of text", size, run: sendTextBatches },
    { name: "produce, send()", size, run: sendEach },
    { name: "consume, poll()", size, run: pollAll, ...(aims ? { aim: 4e6 } : {}) },
    { name: "consume, for await", size, run: iterate },
  ];
});

const { values: flags, positionals: [givenAddress] } = parseArgs({
  allowPositionals: true,
  options: {
    embedded: { type: "boolean", default: false },
    runs: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const runs = Number(flags.runs);
const runMs = Number(flags.seconds) * 1000;

await using resources = new AsyncDisposableStack();
const client = resources.use(await connect());
const rows: Row[] = [];
for (const scenario of SCENARIOS) {
  const name = `${scenario.name}, ${scenario.size} B`;
  if (name.includes(flags.only)) rows.push(await measure(name, scenario));
}
printReport(
  {
    title: "SDK",
    settings: {
      ...describeMachine(),
      broker: flags.embedded
        ? "in this process, in memory"
        : givenAddress ?? "own process, on disk",
      runs: `median of ${runs}, ${flags.seconds} s each`,
    },
    rows,
  },
  flags.json,
);

async function connect(): Promise<Client> {
  if (flags.embedded) {
    const broker = resources.use(await Broker.start({ storage: "memory" }));
    return new Client({ broker });
  }
  if (givenAddress !== undefined) return new Client({ brokers: givenAddress });
  const folder = resources.use(await temporaryFolder());
  const hasCores = navigator.hardwareConcurrency > 1 && await pin(Deno.pid, 1);
  const data = folder.join("data");
  const broker = resources.use(ServedBroker.start({ data, ...(hasCores ? { core: 0 } : {}) }));
  // Until it listens, the client tries again.
  return new Client({ brokers: broker.address });
}

async function measure(name: string, { size, aim, run }: Scenario): Promise<Row> {
  progress(name);
  const topic = `bench-client-${crypto.randomUUID()}`;
  await client.admin().createTopic({
    name: topic,
    partitions: 1,
    configs: { "retention.bytes": 4 * READ_BYTES, "segment.bytes": READ_BYTES },
  });
  if (name.startsWith("consume")) await fill(topic, size);
  await run(client, topic, size, performance.now() + runMs / 2);
  const rates: number[] = [];
  const costs: number[] = [];
  for (let i = 0; i < runs; i++) {
    const cpuBefore = process.cpuUsage();
    const startMs = performance.now();
    const count = await run(client, topic, size, startMs + runMs);
    rates.push(count / (performance.now() - startMs) * 1000);
    const { user, system } = process.cpuUsage(cpuBefore);
    costs.push((user + system) * 1000 / count);
  }
  await client.admin().deleteTopic(topic);
  return {
    name,
    unit: "msg/s",
    better: "higher",
    results: { dqueue: measured(rates) },
    notes: { dqueue: `${Math.round(median(costs))} ns of processor time each` },
    ...(aim === undefined ? {} : { aim }),
  };
}

async function fill(topic: string, size: number): Promise<void> {
  await using producer = client.producer();
  const messages = chunk({ topic, value: new Uint8Array(size) });
  for (let bytes = 0; bytes < READ_BYTES; bytes += CHUNK * size) await producer.sendBatch(messages);
}

function chunk(message: OutgoingMessage): OutgoingMessage[] {
  return Array.from({ length: CHUNK }, () => message);
}

function sendBatches(own: Client, topic: string, size: number, until: number): Promise<number> {
  return sendChunks(own, { topic, value: new Uint8Array(size).fill(97) }, until);
}

function sendTextBatches(own: Client, topic: string, size: number, until: number): Promise<number> {
  return sendChunks(own, { topic, value: "a".repeat(size) }, until);
}

async function sendChunks(own: Client, message: OutgoingMessage, until: number): Promise<number> {
  await using producer = own.producer();
  const messages = chunk(message);
  const inFlight: Promise<unknown>[] = [];
  let count = 0;
  while (performance.now() < until) {
    inFlight.push(producer.sendBatch(messages));
    count += CHUNK;
    if (inFlight.length >= CHUNKS_IN_FLIGHT) await inFlight.shift();
  }
  await Promise.all(inFlight);
  return count;
}

async function sendEach(own: Client, topic: string, size: number, until: number): Promise<number> {
  await using producer = own.producer();
  const message = { topic, value: new Uint8Array(size).fill(97) };
  const inFlight: Promise<unknown>[] = [];
  let count = 0;
  while (performance.now() < until) {
    for (let i = 1; i < CHUNK; i++) producer.send(message);
    inFlight.push(producer.send(message));
    count += CHUNK;
    if (inFlight.length >= CHUNKS_IN_FLIGHT) await inFlight.shift();
  }
  await Promise.all(inFlight);
  return count;
}

async function pollAll(own: Client, topic: string, size: number, until: number): Promise<number> {
  await using consumer = own.consumer();
  await consumer.subscribe(topic);
  let count = 0;
  let bytes = 0;
  while (performance.now() < until) {
    const messages = await consumer.poll(POLL_MAX, { timeout: 0 });
    for (let i = 0; i < messages.length; i++) bytes += messages[i]!.value!.length;
    count += messages.length;
    if (isAtEnd(consumer.position(topic, 0), consumer.highWatermark(topic, 0))) {
      await consumer.seek(topic, 0, "earliest");
    }
  }
  return checked(count, bytes, size);
}

async function iterate(own: Client, topic: string, size: number, until: number): Promise<number> {
  await using consumer = own.consumer();
  await consumer.subscribe(topic);
  let count = 0;
  let bytes = 0;
  while (performance.now() < until) {
    for await (const message of consumer) {
      bytes += message.value!.length;
      if (++count % CHUNK === 0) break;
    }
    if (isAtEnd(consumer.position(topic, 0), consumer.highWatermark(topic, 0))) {
      await consumer.seek(topic, 0, "earliest");
    }
  }
  return checked(count, bytes, size);
}

function isAtEnd(position: number | undefined, highWatermark: number | undefined): boolean {
  return position !== undefined && highWatermark !== undefined && position + CHUNK > highWatermark;
}

function checked(count: number, bytes: number, size: number): number {
  if (bytes !== count * size) throw new Error(`Read ${bytes} bytes in ${count} messages`);
  return count;
}
