/**
 * Compares the SDK with kafkajs and `@platformatic/kafka`, under Deno and Node, and with librdkafka if a C
 * compiler finds it: how many messages a program can send and read, and what each message costs.
 *
 *     deno run -A bench/client/client.ts [ADDRESS] [--runs 3] [--seconds 1.5] [--only TEXT] [--quick] [--alone] [--json]
 *
 * Without an address it starts this project's broker on a new folder, in memory if there is room, because
 * clients are measured and not the disk. If there are two cores, broker and clients have one each. Each
 * client runs in its own process, whose processor time and memory are recorded; in each run all clients do
 * the same work in turn. They send with acks=all, without compression, in calls of 1000 messages, 32 calls
 * in flight, to a topic with `flush=os`. They read without commits and touch every value. Everything else
 * is the client's default: the SDK's producer is idempotent, the others are not. `--alone` measures only the
 * SDK, `--quick` measures once and not under Node.
 *
 * @module
 */

import { Client } from "../../client/mod.ts";
import { parseFlags } from "../support/flags.ts";
import {
  type ClientSubject,
  denoSubjects,
  nodeSubjects,
  rdkafkaSubject,
  type Rival,
  runClient,
  sdkSubject,
} from "../support/clients/client_subjects.ts";
import { BATCH_COUNT, FILLING, type WorkName } from "../support/clients/client_work.ts";
import type { WorkResult } from "../support/clients/client_worker.ts";
import { describeMachine } from "../support/report/machine.ts";
import {
  type Measured,
  measured,
  printReport,
  progress,
  type Row,
} from "../support/report/report.ts";
import { defaultCommand, ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

/** Bytes of the messages to read; a client that reaches the end starts over. */
const READ_BYTES = 512 * 1024 * 1024;
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Memory that the broker needs for them, and for messages that are written faster than deleted. */
const DATA_BYTES = 6 * READ_BYTES;
const WARM_UP_MS = 500;
const SIZES = [100, 1000];

/** How many times as good as another client the SDK should be. */
const RATIO_AIMS: Readonly<Record<Rival, number>> = {
  kafkajs: 5,
  "@platformatic/kafka": 1.5,
  librdkafka: 2,
};

/** A kind of work that clients do. */
interface ClientWork {
  readonly work: WorkName;
  readonly title: string;
  /** The SDK's aim for messages of 100 B. */
  readonly aim?: number;
  /** Whether it is a row of the short tables. */
  readonly isKey?: boolean;
  /** Whether it is measured with large messages too by default. */
  readonly isForLarge?: boolean;
}

const WORKS: readonly ClientWork[] = [
  { work: "produce", title: "produce, batches of bytes", aim: 2e6, isKey: true, isForLarge: true },
  { work: "produce text", title: "produce, batches of text" },
  { work: "produce each", title: "produce, a call for each", aim: 2e6, isKey: true },
  { work: "consume", title: "consume, batches", aim: 4e6, isKey: true, isForLarge: true },
  { work: "consume each", title: "consume, one by one" },
];

const { flags, args: [givenAddress] } = parseFlags({
  runs: undefined,
  seconds: undefined,
  only: "",
  quick: false,
  alone: false,
  json: false,
}, { maxArgs: 1 });
const runs = Number(flags.runs ?? (flags.quick ? 1 : 3));
const seconds = Number(flags.seconds ?? (flags.quick ? 0.5 : 1.5));

await using resources = new AsyncDisposableStack();
const folder = resources.use(await temporaryFolder());
const data = resources.use(await temporaryFolder(DATA_BYTES));
const address = givenAddress ?? resources.use(startBroker()).address;
const client = resources.use(new Client({ brokers: address }));
const subjects = [sdkSubject(), ...(flags.alone ? [] : await otherSubjects())];
/** Native code that clients loaded. */
const addons = new Set<string>();
const rows: Row[] = [];
for (const size of SIZES) {
  for (const work of WORKS) {
    const name = `${work.title}, ${size} B`;
    const isUsual = work.isForLarge || size === SIZES[0];
    if (flags.only === "" ? isUsual : name.includes(flags.only)) {
      rows.push(...await measure(name, work, size));
    }
  }
}
printReport(
  {
    title: "SDK and other clients",
    hasRivals: true,
    settings: {
      ...describeMachine(),
      broker: givenAddress ??
        `this project's, in a process of its own, data ${
          data.isInMemory ? "in memory" : "on disk"
        }`,
      runs: `median of ${runs}, ${seconds} s each`,
      messages: `${BATCH_COUNT} in a batch, acks=all, no compression, flush=os`,
      "native addons": [...addons].join(", ") || "none",
    },
    rows,
  },
  flags.json,
);

function startBroker(): ServedBroker {
  return ServedBroker.start({
    data: data.join("data"),
    // Deno requires all permissions for files in memory.
    command: defaultCommand(["--allow-all"]),
    ...(navigator.hardwareConcurrency > 1 ? { core: 0 } : {}),
    settings: {
      "group.initial.rebalance.delay.ms": "0",
      // Messages that are not read are deleted soon, because there are many.
      "log.retention.check.interval.ms": "500",
      "log.segment.delete.delay.ms": "0",
    },
  });
}

async function otherSubjects(): Promise<ClientSubject[]> {
  const onDeno = denoSubjects();
  const inC = await rdkafkaSubject(folder.join());
  if (inC === undefined) progress("librdkafka: left out, since nothing compiles with it here");
  const native = inC === undefined ? [] : [inC];
  if (flags.quick) return [...native, ...onDeno];
  progress("installing the other clients and Node");
  const onNode = await nodeSubjects(folder.join("node"));
  return [...native, onDeno[0]!, onNode[0]!, onDeno[1]!, onNode[1]!];
}

async function measure(
  name: string,
  { work, aim, isKey = false }: ClientWork,
  size: number,
): Promise<Row[]> {
  progress(name);
  const topic = `bench-client-${crypto.randomUUID()}`;
  const isReading = work.startsWith("consume");
  await client.admin().createTopic({
    name: topic,
    partitions: 1,
    configs: {
      flush: "os",
      "segment.bytes": SEGMENT_BYTES,
      "retention.bytes": isReading ? -1 : READ_BYTES / 2,
    },
  });
  if (isReading) await fill(topic, size);
  const job = { work, address, topic, size, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000 };
  const results = new Map<string, WorkResult[]>();
  for (let run = 0; run < runs; run++) {
    for (const subject of subjects) {
      if (!subject.works.includes(work)) continue;
      const result = await runClient(subject, job);
      for (const addon of result.addons) addons.add(`${addon} (${subject.name})`);
      results.set(subject.name, [...results.get(subject.name) ?? [], result]);
    }
  }
  await client.admin().deleteTopic(topic);
  const figures = (take: (result: WorkResult) => number): Record<string, Measured> =>
    Object.fromEntries(
      Array.from(results, ([subject, runs]) => [subject, measured(runs.map(take))]),
    );
  return [
    {
      name,
      unit: "msg/s",
      better: "higher",
      isKey,
      results: figures(({ messagesPerSecond }) => messagesPerSecond),
      ...(aim === undefined || size !== SIZES[0] ? {} : { aim, ratioAims: ratioAims() }),
    },
    {
      name: `${name}, processor time each`,
      unit: "ns",
      better: "lower",
      isKey,
      results: figures(({ cpuPerMessage }) => cpuPerMessage),
    },
    {
      name: `${name}, peak memory`,
      unit: "MB",
      better: "lower",
      results: figures(({ peakBytes }) => peakBytes / 1e6),
    },
  ];
}

function ratioAims(): Record<string, number> {
  return Object.fromEntries(
    subjects.flatMap(({ name, rival }) => rival === undefined ? [] : [[name, RATIO_AIMS[rival]]]),
  );
}

/** Writes the messages to read, in batches of the size that the clients use. */
async function fill(topic: string, size: number): Promise<void> {
  const message = { topic, value: new Uint8Array(size).fill(FILLING) };
  const messages = Array.from({ length: BATCH_COUNT }, () => message);
  await using producer = client.producer({ batchSize: BATCH_COUNT * size });
  for (let bytes = 0; bytes < READ_BYTES; bytes += BATCH_COUNT * size) {
    await producer.sendBatch(messages);
  }
}
