/**
 * `dqueue bench latency`.
 *
 * @module
 */

import type { Client, Consumer } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { CommandError } from "../../errors.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { Progress } from "../../terminal/progress.ts";
import { formatDetails } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { ensureTopic, producerOptions, writingFlags, type WritingValues } from "./bench_topic.ts";
import { Histogram } from "./histogram.ts";
import { latenciesToJson, printLatencies, printLatenciesCsv } from "./latency_report.ts";
import { sendPaced } from "./paced_sender.ts";

/** The value of a message begins with its index. */
const INDEX_BYTES = 8;
/** Maximum wait for the last messages. */
const LAST_WAIT_MS = 30_000;

interface LatencyOptions extends WritingValues {
  readonly topic: string;
  readonly rate: number;
  readonly size: number;
  readonly count: number;
  /** Number of messages at the start that are not measured. */
  readonly warmupCount: number;
}

/** `bench latency`. */
export const benchLatency = command({
  name: "bench latency",
  summary: "Measure how long messages take from producer to consumer",
  description:
    `Writes messages at a fixed rate and reads them immediately. The latency of a message is measured ` +
    `from its due time, so it includes delays before sending. Without a topic, a temporary one is ` +
    `created and deleted afterwards.`,
  args: { topic: { optional: true, doc: "Name of the topic; default a temporary one" } },
  flags: {
    rate: { type: "integer", min: 1, default: 1000, env: false, doc: "Messages per second" },
    duration: { type: "duration", min: 1, default: "10s", env: false, doc: "How long to measure" },
    warmup: {
      type: "duration",
      default: "1s",
      env: false,
      doc: "Time at the start that is not measured",
    },
    ...writingFlags,
    csv: { type: "boolean", env: false, doc: "Percentiles as comma-separated values" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "A thousand messages per second for ten seconds", command: "dqueue bench latency" },
    {
      doc: "For a chart",
      command: "dqueue bench latency --rate 10000 --duration 1m --csv > latency.csv",
    },
  ],
  async run(context, { args, flags }) {
    const { stdout, signal } = context;
    const topic = args.topic ?? `dqueue-bench-${crypto.randomUUID().slice(0, 8)}`;
    const warmupCount = Math.ceil(flags.warmup / 1000 * flags.rate);
    const count = warmupCount + Math.ceil(flags.duration / 1000 * flags.rate);
    await using client = await connect(context, flags);
    const admin = client.admin();
    const isOwn = await ensureTopic(context, admin, topic, flags.partitions) &&
      args.topic === undefined;
    let latencies: Histogram;
    try {
      latencies = await measure(context, client, { ...flags, topic, count, warmupCount });
    } finally {
      if (isOwn) await admin.deleteTopic(topic).catch(() => {});
    }
    signal.throwIfAborted();
    if (flags.csv) return printLatenciesCsv(stdout, latencies);
    const { rate, size, acks } = flags;
    if (flags.output === "json") {
      return writeJsonDocument(stdout, {
        messages: latencies.count,
        messages_per_second: rate,
        size,
        acks,
        latency_ms: latenciesToJson(latencies),
      });
    }
    stdout.write(formatDetails([
      ["Messages", latencies.count],
      ["Messages/s", rate],
      ["Size", `${size} B`],
      ["Acks", acks],
    ], stdout.style));
    stdout.line();
    printLatencies(stdout, latencies);
  },
});

async function measure(
  context: Context,
  client: Client,
  options: LatencyOptions,
): Promise<Histogram> {
  const { topic, size, count } = options;
  await using consumer = client.consumer({ maxWaitMs: 100 });
  await consumer.subscribe(topic, { from: "latest", signal: context.signal });
  await using producer = client.producer(producerOptions(options));
  const stop = new AbortController();
  const onAbort = () => stop.abort(context.signal.reason);
  context.signal.addEventListener("abort", onAbort, { once: true });
  using progress = new Progress(context, { label: "Measuring", unit: "messages", total: count });
  // Indexes of another run, which may share the topic, must be ignored.
  const runId = Math.floor(Math.random() * 2 ** 32);
  const startMs = performance.now();
  const run = { ...options, runId, startMs, signal: stop.signal };
  try {
    const received = receive(consumer, run, (done) => progress.update(done));
    const sent = sendPaced(producer, {
      ...run,
      message: (index) => ({ topic, value: messageValue(size, runId, index) }),
    });
    // The first failure stops both sides.
    received.catch((error) => stop.abort(error));
    sent.then(() => limitWait(received, stop), (error) => stop.abort(error));
    await Promise.allSettled([sent, received]);
    if (stop.signal.aborted) throw stop.signal.reason;
    return await received;
  } finally {
    context.signal.removeEventListener("abort", onAbort);
  }
}

/** After all messages have been written, the last one must arrive soon. */
function limitWait(received: Promise<unknown>, stop: AbortController): void {
  const late = new CommandError(
    `Cannot measure latency: messages are missing after ${LAST_WAIT_MS} ms`,
  );
  const timer = setTimeout(() => stop.abort(late), LAST_WAIT_MS);
  received.catch(() => {}).finally(() => clearTimeout(timer));
}

/** Reads all messages and records the latency of each. */
async function receive(
  consumer: Consumer,
  run: LatencyOptions & { runId: number; startMs: number; signal: AbortSignal },
  onProgress: (received: number) => void,
): Promise<Histogram> {
  const { count, rate, warmupCount, runId, startMs, signal } = run;
  const latencies = new Histogram();
  for (let received = 0; received < count;) {
    const messages = await consumer.poll(1000, { timeoutMs: 1000, signal });
    const nowMs = performance.now();
    for (const { value } of messages) {
      if (value === null || value.length < INDEX_BYTES) continue;
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      if (view.getUint32(0) !== runId) continue;
      const index = view.getUint32(4);
      received++;
      if (index < warmupCount) continue;
      latencies.record(nowMs - (startMs + index * 1000 / rate));
    }
    onProgress(received);
  }
  return latencies;
}

function messageValue(size: number, runId: number, index: number): Uint8Array {
  const value = new Uint8Array(Math.max(INDEX_BYTES, size));
  const view = new DataView(value.buffer);
  view.setUint32(0, runId);
  view.setUint32(4, index);
  return value;
}
