/**
 * Measures how long a broker takes to start on existing logs, and how much of them it reads, after a clean
 * shutdown and after a kill.
 *
 *     deno run -A bench/storage/recovery.ts [--runs 5] [--quick] [--json]
 *
 * The logs are sound but sparse: their records are zeros that take no disk. Before a kill every partition
 * gets one more message, which recovery has to check. The time is from the start of the process to an
 * acknowledged message. What the runtime reads of the program itself is measured with an empty folder and
 * subtracted.
 *
 * @module
 */

import { produce } from "../../protocol/messages/records/produce.ts";
import { RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";
import { LogDirectory } from "../../storage/log_directory.ts";
import { parseFlags } from "../support/flags.ts";
import type { LoadConnection } from "../support/load/load_connection.ts";
import { describeMachine } from "../support/report/machine.ts";
import { readBytes } from "../support/brokers/process_usage.ts";
import { sampleBatch } from "../support/load/record_batches.ts";
import {
  formatFigure,
  measured,
  printReport,
  progress,
  type Row,
} from "../support/report/report.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { SparseFileSystem } from "../support/brokers/sparse_file_system.ts";
import { createTopics, expectNone, PRODUCE_VERSION, TIMEOUT_MS } from "../support/load/target.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const MB = 1e6;
const TOPIC = "bench";
const BATCH_BYTES = 1_000_000;
/** The batch of a producer with Kafka's default `batch.size`. */
const LAST_BATCH_BYTES = 16_384;

/** Logs to start on. */
interface Shape {
  readonly partitions: number;
  readonly gigabytes: number;
}

/** The cost of a start. */
interface Start {
  readonly ms: number;
  readonly bytesRead: number;
}

const { flags } = parseFlags({
  quick: false,
  runs: "5",
  json: false,
});

const runs = flags.quick ? 1 : Number(flags.runs);
const shapes: readonly Shape[] = flags.quick
  ? [{ partitions: 50, gigabytes: 1 }, { partitions: 50, gigabytes: 0.05 }]
  : [
    { partitions: 1000, gigabytes: 20 },
    { partitions: 1000, gigabytes: 1 },
    { partitions: 100, gigabytes: 20 },
  ];
const rows: Row[] = [];
for (const shape of shapes) rows.push(...await measure(shape));
printReport(
  {
    title: "Start on logs that are there",
    settings: {
      ...describeMachine(),
      logs: "batches of 1 MB, the last one of 16 KB, in one segment for each partition",
      runs: `${runs}, medians`,
    },
    rows,
  },
  flags.json,
);

async function measure(shape: Shape): Promise<Row[]> {
  const { partitions, gigabytes } = shape;
  const name = `${partitions.toLocaleString("en-US")} partitions with ${gigabytes} GB`;
  await using folder = await temporaryFolder();
  const data = folder.join("data");
  progress(`making ${name}`);
  const programBytes = await prepare(data, partitions);
  await fill(data, shape);
  const afterStop: Start[] = [];
  const afterKill: Start[] = [];
  for (let run = 0; run < runs; run++) {
    progress(`start ${run + 1} of ${runs}`);
    afterStop.push(
      await start(data, async (broker, connection) => {
        for (let index = 0; index < partitions; index++) await send(connection, index);
        await broker.kill();
      }),
    );
    afterKill.push(await start(data, (broker) => broker.stop()));
  }
  return [
    ...startRows(`${name}, after a clean shutdown`, afterStop, programBytes),
    ...startRows(`${name}, after a kill`, afterKill, programBytes),
  ];
}

function startRows(name: string, starts: readonly Start[], programBytes: number): Row[] {
  const megabytes = starts.map(({ bytesRead }) => Math.max(0, bytesRead - programBytes) / MB);
  const row = (what: string, unit: string, values: readonly number[]): Row => ({
    name: `${what}, ${name}`,
    unit,
    better: "lower",
    results: { dqueue: measured(values) },
    notes: { dqueue: `least ${formatFigure(Math.min(...values))}` },
  });
  return [
    { ...row("start to acknowledged message", "ms", starts.map(({ ms }) => ms)), isKey: true },
    row("read until then", "MB", megabytes),
  ];
}

/** Starts a broker, and ends it with `end` once a message is acknowledged. */
async function start(
  data: string,
  end: (broker: ServedBroker, connection: LoadConnection) => Promise<void>,
): Promise<Start> {
  await using broker = ServedBroker.start({ data });
  using connection = await broker.connect();
  await send(connection, 0);
  const ms = performance.now() - broker.startedMs;
  const bytesRead = readBytes(broker.pid) ?? NaN;
  await end(broker, connection);
  return { ms, bytesRead };
}

/** Creates the topic. Returns how much a broker reads when it starts on an empty folder. */
async function prepare(data: string, partitions: number): Promise<number> {
  // The very first start may compile code, and read more than later ones.
  {
    await using first = ServedBroker.start({ data });
    (await first.connect()).close();
  }
  await using broker = ServedBroker.start({ data });
  using connection = await broker.connect();
  const bytesRead = readBytes(broker.pid) ?? NaN;
  await createTopics(connection, [TOPIC], partitions);
  return bytesRead;
}

/** Fills the topic's logs while no broker runs. */
async function fill(data: string, { partitions, gigabytes }: Shape): Promise<void> {
  const nowMs = Date.now();
  const batch = batchOfZeros(BATCH_BYTES, nowMs);
  const last = batchOfZeros(LAST_BATCH_BYTES, nowMs);
  const count = Math.round(gigabytes * 1e9 / BATCH_BYTES / partitions);
  await using directory = await LogDirectory.open(new SparseFileSystem(), data, {
    nowMs,
    batchCacheBytes: 0,
  });
  for (let index = 0; index < partitions; index++) {
    const log = directory.get(`${TOPIC}-${index}`)!;
    for (let i = 0; i < count; i++) log.append(batch, { leaderEpoch: 0, nowMs });
    log.append(last, { leaderEpoch: 0, nowMs });
  }
}

function batchOfZeros(size: number, nowMs: number): RecordBatch {
  const builder = new RecordBatchBuilder({ initialCapacity: size + 100 });
  builder.append(nowMs, null, new Uint8Array(size));
  return new RecordBatch(builder.build());
}

async function send(connection: LoadConnection, index: number): Promise<void> {
  const { responses } = await connection.request(produce, PRODUCE_VERSION, {
    acks: 1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{
      name: TOPIC,
      partitionData: [{ index, records: sampleBatch({ size: 100, count: 1 }) }],
    }],
  });
  expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
}
