/**
 * `dqueue bench produce`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { Progress } from "../../terminal/progress.ts";
import { formatDetails } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import {
  benchValues,
  DEFAULT_TOPIC,
  ensureTopic,
  producerOptions,
  throughputDetails,
  throughputToJson,
  writingFlags,
} from "./bench_topic.ts";
import { Histogram } from "./histogram.ts";
import { latenciesToJson, printLatencies, printLatenciesCsv } from "./latency_report.ts";
import { sendPaced } from "./paced_sender.ts";

/** `bench produce`. */
export const benchProduce = command({
  name: "bench produce",
  summary: "Measure how fast messages can be written",
  description:
    `Writes messages to a topic, which is created if necessary and kept for "bench consume". ` +
    `With --rate, latencies are measured from the due time of a message, so they include delays.`,
  args: { topic: { optional: true, doc: `Name of the topic; default ${DEFAULT_TOPIC}` } },
  flags: {
    num: { alias: "n", type: "integer", min: 1, default: 1_000_000, env: false, doc: "Messages" },
    rate: {
      type: "integer",
      min: 1,
      env: false,
      fallback: "as fast as possible",
      doc: "Messages per second",
    },
    ...writingFlags,
    csv: { type: "boolean", env: false, doc: "Percentiles as comma-separated values" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "A million messages of 100 bytes", command: "dqueue bench produce" },
    { doc: "At a fixed rate", command: "dqueue bench produce --rate 10000 -n 100000 --size 1KiB" },
  ],
  async run(context, { args, flags }) {
    const { topic = DEFAULT_TOPIC } = args;
    const { num, size, rate } = flags;
    const { stdout, signal } = context;
    await using client = await connect(context, flags);
    await ensureTopic(context, client.admin(), topic, flags.partitions);
    await using producer = client.producer(producerOptions(flags));
    const values = benchValues(size);
    const latencies = new Histogram();
    using progress = new Progress(context, { label: "Writing", unit: "messages", total: num });
    const startMs = performance.now();
    await sendPaced(producer, {
      startMs,
      count: num,
      rate,
      size,
      signal,
      message: (index) => ({ topic, value: values[index % values.length]! }),
      onWritten(first, count, dueMs, doneMs) {
        if (rate === undefined) latencies.record(doneMs - dueMs(first), count);
        else for (let i = 0; i < count; i++) latencies.record(doneMs - dueMs(first + i));
        progress.add(count);
      },
    });
    const elapsedMs = performance.now() - startMs;
    progress.finish();
    if (flags.csv) return printLatenciesCsv(stdout, latencies);
    if (flags.output === "json") {
      return writeJsonDocument(stdout, {
        topic,
        ...throughputToJson(num, num * size, elapsedMs),
        latency_ms: latenciesToJson(latencies),
      });
    }
    stdout.write(formatDetails(throughputDetails(num, num * size, elapsedMs), stdout.style));
    stdout.line();
    printLatencies(stdout, latencies);
  },
});
