/**
 * Measures the compaction of a large log: its duration, its memory, and the latencies of producers meanwhile.
 *
 *     deno run -A bench/storage/compaction.ts [--records 10000000] [--keys 1000000] [--seconds 20] [--json]
 *
 * A broker in its own process gets the records in one partition. Two producers write to other topics at a
 * steady rate, first without compaction and then while the cleaner compacts that log, and their latencies
 * are compared. Afterwards the whole log is read and compared with the records that should be left.
 *
 * @module
 */

import { SETTINGS } from "../../broker/settings/settings.ts";
import { parseFlags } from "../support/flags.ts";
import { KeyedTopic } from "../support/load/keyed_topic.ts";
import { Histogram } from "../../cli/commands/bench/histogram.ts";
import { describeMachine } from "../support/report/machine.ts";
import { ObservedLog } from "../support/brokers/observed_log.ts";
import { peakResidentBytes, residentBytes } from "../support/brokers/process_usage.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { SteadyProducer } from "../support/load/steady_producer.ts";
import { LoadTopic } from "../support/load/target.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const MB = 1e6;
const TOPIC = "keyed";
const VALUE_SIZE = 100;
const SEGMENT_BYTES = 128 << 20;
/** How often the broker checks for logs to compact. */
const BACKOFF_MS = 100;
const POLL_MS = 20;
/** Messages a second of each producer. */
const RATE = 250;
/** Time for a broker to settle after it was filled. */
const SETTLE_MS = 3000;
const PERCENTILES = [["p50", 0.5], ["p99", 0.99], ["p99.9", 0.999]] as const;

const { flags } = parseFlags({
  records: "10000000",
  keys: "1000000",
  seconds: "20",
  json: false,
});

const records = Number(flags.records);
const keys = Number(flags.keys);
const beforeMs = Number(flags.seconds) * 1000;
const dedupeBytes = SETTINGS["log.cleaner.dedupe.buffer.size"].default;
printReport(
  {
    title: "Compaction",
    settings: {
      ...describeMachine(),
      log: `${grouped(records)} records of ${VALUE_SIZE} B, ${grouped(keys)} keys`,
      "log.cleaner.dedupe.buffer.size": String(dedupeBytes),
      producers: `${RATE} messages a second of 100 B to each of two other topics`,
    },
    rows: await measure(),
  },
  flags.json,
);

/** Latencies of the producers, by their acks. */
type Latencies = Readonly<Record<string, Histogram>>;

async function measure(): Promise<Row[]> {
  await using folder = await temporaryFolder();
  const data = folder.join("data");
  await using broker = ServedBroker.start({
    data,
    settings: { "log.cleaner.backoff.ms": String(BACKOFF_MS) },
  });
  using connection = await broker.connect();
  progress(`writing ${grouped(records)} records`);
  const topic = await KeyedTopic.create(connection, {
    name: TOPIC,
    records,
    keys,
    size: VALUE_SIZE,
    segmentBytes: Math.min(SEGMENT_BYTES, Math.ceil(records * VALUE_SIZE / 8)),
  });
  await sleep(SETTLE_MS);
  const log = new ObservedLog(data, `${TOPIC}-0`);
  const bytesBefore = log.sizeInBytes;
  const activeOffset = log.activeOffset;
  const memoryBefore = residentBytes(broker.pid) ?? NaN;

  const target = { name: "dqueue", address: broker.address, pids: [broker.pid] };
  await using onDisk = await LoadTopic.create(target, topicOptions("commit"));
  await using written = await LoadTopic.create(target, topicOptions("os"));
  const load = { size: 100, rate: RATE };
  await using all = await SteadyProducer.start(broker.address, {
    ...load,
    topic: onDisk.name,
    acks: "all",
  });
  await using one = await SteadyProducer.start(broker.address, {
    ...load,
    topic: written.name,
    acks: "1",
  });
  const producers = { "acks=all on disk": all, "acks=1": one };
  await sleep(1000);

  progress("producing");
  take(producers);
  await sleep(beforeMs);
  const before = take(producers);
  progress("compacting");
  const startedMs = performance.now();
  await topic.beginCompaction();
  while (log.cleanOffset < activeOffset) await sleep(POLL_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const during = take(producers);
  const peak = peakResidentBytes(broker.pid) ?? NaN;

  progress("checking");
  const left = await topic.check(log.cleanOffset);
  const bytesAfter = log.sizeInBytes;
  return [
    {
      name: `compact ${grouped(records)} records of ${grouped(keys)} keys`,
      unit: "s",
      better: "lower",
      isKey: true,
      results: { dqueue: measured([seconds]) },
      notes: {
        dqueue: `${grouped(left)} records left, each compared with what it is to be; ` +
          `${(bytesBefore / MB).toFixed(0)} MB became ${(bytesAfter / MB).toFixed(0)}`,
      },
    },
    {
      name: "the same, bytes of log",
      unit: "MB/s",
      better: "higher",
      results: { dqueue: measured([bytesBefore / MB / seconds]) },
    },
    {
      name: "peak memory of the broker until then",
      unit: "MB",
      better: "lower",
      results: { dqueue: measured([peak / MB]) },
      notes: { dqueue: `${(memoryBefore / MB).toFixed(0)} MB before` },
    },
    ...Object.keys(producers).flatMap((name) => latencyRows(name, before[name]!, during[name]!)),
  ];
}

function topicOptions(flush: string) {
  return { partitions: 1, flush, maxMessageBytes: 1_048_588 };
}

/** Returns the latencies measured so far, and starts a new measurement. */
function take(producers: Readonly<Record<string, SteadyProducer>>): Latencies {
  return Object.fromEntries(
    Object.entries(producers).map(([name, producer]) => {
      const { latencies } = producer;
      producer.latencies = new Histogram();
      return [name, latencies];
    }),
  );
}

function latencyRows(name: string, before: Histogram, during: Histogram): Row[] {
  return PERCENTILES.map(([percentile, part]) => ({
    name: `produce 100 B, ${name}, while another log is compacted, ${percentile}`,
    unit: "ms",
    better: "lower",
    results: {
      dqueue: measured([during.percentileMs(100 * part)]),
      "without": measured([before.percentileMs(100 * part)]),
    },
    notes: {
      dqueue: `${grouped(during.count)} messages, largest ${during.maxMs.toFixed(0)} ms, ` +
        `without ${before.maxMs.toFixed(0)} ms`,
    },
  }));
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
