/**
 * Measures an embedded broker, as in a unit test: how fast it starts and stops, and how many messages pass
 * through it.
 *
 *     deno run -A bench/broker/embedded.ts [--runs 20] [--seconds 2] [--json]
 *
 * The first cycle is cold: code is compiled as it runs. Later ones are warm. Messages are sent in prepared
 * batches over the broker's in-process channel.
 *
 * @module
 */

import { Broker } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { codec } from "../../protocol/schema/codec.ts";
import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { writeRequestHeader } from "../../protocol/frames/headers.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { RecordBatch } from "../../protocol/records/mod.ts";
import type { Api, RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";
import { parseFlags } from "../support/flags.ts";
import { decodeResponse } from "../support/load/load_connection.ts";
import { describeMachine } from "../support/report/machine.ts";
import { sampleBatch } from "../support/load/record_batches.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";
import { expectNone, TIMEOUT_MS } from "../support/load/target.ts";

const TOPIC = "bench";
const STEPS = ["start", "create topic", "produce", "consume", "stop"] as const;
const BATCH = { size: 100, count: 1000 };
const FETCH_BYTES = 1024 * 1024;

/** Milliseconds for each step, and in total. */
type Cycle = Readonly<Record<typeof STEPS[number] | "in all", number>>;

const { flags } = parseFlags({
  runs: "20",
  seconds: "2",
  json: false,
});

const runs = Number(flags.runs);
const seconds = Number(flags.seconds);
progress("start, produce, consume, stop");
const first = await cycle();
const warm: Cycle[] = [];
for (let run = 0; run < runs; run++) warm.push(await cycle());
progress("messages per second");
const rates = [];
for (let run = 0; run < 3; run++) rates.push(await throughput(seconds * 1000));
printReport(
  {
    title: "Embedded broker",
    settings: {
      ...describeMachine(),
      runs: `first of the program, and median of ${runs} warm ones`,
      messages: `${BATCH.size} B in batches of ${BATCH.count}, acks=all, in memory`,
    },
    rows: [
      ...[...STEPS, "in all" as const].map(cycleRow),
      rateRow("produce", rates.map(({ produced }) => produced), 4_000_000),
      rateRow("consume", rates.map(({ consumed }) => consumed)),
    ],
  },
  flags.json,
);

function cycleRow(step: keyof Cycle): Row {
  return {
    name: step === "in all" ? "start, create a topic, produce, consume, stop" : step,
    unit: "ms",
    better: "lower",
    ...(step === "in all" ? { aim: 50 } : {}),
    results: {
      dqueue: measured(warm.map((cycle) => cycle[step])),
      "first in a program": measured([first[step]]),
    },
  };
}

function rateRow(name: string, rates: readonly number[], aim?: number): Row {
  const results = { dqueue: measured(rates) };
  return {
    name: `${name} in process, 100 B in batches`,
    unit: "msg/s",
    better: "higher",
    results,
    ...(aim === undefined ? {} : { aim }),
  };
}

/** Uses a broker as a unit test does. */
async function cycle(): Promise<Cycle> {
  const times: number[] = [performance.now()];
  const broker = await Broker.start({ storage: "memory" });
  const client = new Client({ broker });
  times.push(performance.now());
  await client.admin().createTopic({ name: TOPIC, partitions: 1 });
  times.push(performance.now());
  const producer = client.producer();
  await producer.send({ topic: TOPIC, value: "hello" });
  times.push(performance.now());
  const consumer = client.consumer();
  await consumer.subscribe(TOPIC);
  const messages = await consumer.poll(1);
  if (messages[0]?.text() !== "hello") throw new Error("The message did not come back");
  times.push(performance.now());
  await client.close();
  await broker.close();
  times.push(performance.now());
  const tookMs = STEPS.map((step, i) => [step, times[i + 1]! - times[i]!]);
  return { ...Object.fromEntries(tookMs), "in all": times.at(-1)! - times[0]! };
}

/** Returns the messages per second written, and then read. */
async function throughput(ms: number): Promise<{ produced: number; consumed: number }> {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopic({
    name: TOPIC,
    partitions: 1,
    // Records that were read are not needed again, and must not fill the memory.
    configs: { "retention.bytes": "67108864", "segment.bytes": "33554432" },
  });
  const channel = broker.connect();
  const records = sampleBatch(BATCH);
  let produced = 0;
  const produceStartMs = performance.now();
  while (performance.now() - produceStartMs < ms) {
    await request(channel, produce, 9, {
      acks: -1,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
    }).then(({ responses }) =>
      expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce")
    );
    produced += BATCH.count;
  }
  const produceMs = performance.now() - produceStartMs;

  let consumed = 0;
  let offset = 0;
  const consumeStartMs = performance.now();
  while (performance.now() - consumeStartMs < ms) {
    const { responses } = await request(channel, fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{
        topic: TOPIC,
        partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES }],
      }],
    });
    const { errorCode, records } = responses[0]!.partitions[0]!;
    expectNone(errorCode, "fetch");
    const { nextOffset, count } = countRecords(records!);
    consumed += count;
    offset = nextOffset >= produced ? 0 : nextOffset;
  }
  const consumeMs = performance.now() - consumeStartMs;
  channel.abort();
  return { produced: produced / produceMs * 1000, consumed: consumed / consumeMs * 1000 };
}

/** Touches every record. */
function countRecords(bytes: Uint8Array): { nextOffset: number; count: number } {
  let nextOffset = 0;
  let count = 0;
  for (let position = 0; position < bytes.length;) {
    const batch = new RecordBatch(bytes, position);
    for (const { value } of batch.records()) if (value !== null) count++;
    nextOffset = batch.nextOffset;
    position += batch.sizeInBytes;
  }
  return { nextOffset, count };
}

async function request<A extends Api>(
  channel: FrameChannel,
  api: A,
  apiVersion: number,
  body: RequestTo<A>,
): Promise<ResponseOf<A>> {
  const { out } = channel;
  out.beginFrame();
  writeRequestHeader(out, api, {
    apiKey: api.key,
    apiVersion,
    correlationId: 1,
    clientId: "bench",
  });
  codec(api.request, apiVersion).encode(out, body as never);
  out.endFrame();
  channel.flush();
  return decodeResponse(api, apiVersion, (await channel.next())!);
}
