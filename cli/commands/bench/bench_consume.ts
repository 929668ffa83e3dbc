/**
 * `dqueue bench consume`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { CommandError } from "../../errors.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { Progress } from "../../terminal/progress.ts";
import { formatDetails } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { partitionRanges } from "../../../client/text/partition_ranges.ts";
import { partitionsFlag, selectPartitions } from "../partition_selection.ts";
import { readRanges } from "../records/read_ranges.ts";
import { DEFAULT_TOPIC, throughputDetails, throughputToJson } from "./bench_topic.ts";

/** `bench consume`. */
export const benchConsume = command({
  name: "bench consume",
  summary: "Measure how fast messages can be read",
  description: `Reads a topic from its start to its end, including every value.`,
  args: { topic: { optional: true, doc: `Name of the topic; default ${DEFAULT_TOPIC}` } },
  flags: {
    num: {
      alias: "n",
      type: "integer",
      min: 1,
      env: false,
      doc: "Stop after this number of messages",
    },
    ...partitionsFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "Messages written by bench produce", command: "dqueue bench consume" },
    {
      doc: "A million messages of another topic",
      command: "dqueue bench consume orders -n 1000000",
    },
  ],
  async run(context, { args, flags }) {
    const { topic = DEFAULT_TOPIC } = args;
    const { stdout, signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const partitions = await selectPartitions(context, admin, [topic], flags.partition);
    const spec = { from: { type: "start", plus: 0 }, to: { type: "end", minus: 0 } } as const;
    const ranges = await partitionRanges(admin, partitions, spec, { signal });
    const left = ranges.reduce((sum, { from, to }) => sum + to! - from, 0);
    if (left === 0) throw new CommandError(`Cannot read topic "${topic}": there are no messages`);
    await using consumer = client.consumer();
    const limit = Math.min(left, flags.num ?? Infinity);
    using progress = new Progress(context, { label: "Reading", unit: "messages", total: limit });
    const options = { limit, readsNewPartitions: false, signal };
    let messages = 0;
    let bytes = 0;
    const startMs = performance.now();
    for await (const batch of readRanges(consumer, ranges, options)) {
      for (const { value } of batch) bytes += value?.length ?? 0;
      messages += batch.length;
      progress.update(messages);
    }
    const elapsedMs = performance.now() - startMs;
    progress.finish();
    if (flags.output === "json") {
      const json = { topic, ...throughputToJson(messages, bytes, elapsedMs) };
      return writeJsonDocument(stdout, json);
    }
    stdout.write(formatDetails(throughputDetails(messages, bytes, elapsedMs), stdout.style));
  },
});
