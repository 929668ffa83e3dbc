/**
 * `dqueue topic trim`.
 *
 * @module
 */

import type { Admin } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import type { Context } from "../../terminal/context.ts";
import { CommandError, UsageError } from "../../errors.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type OffsetSpec, parseOffsetSpec } from "../../../client/text/offset_spec.ts";
import { type Column, formatTable, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { type PartitionRange, partitionRanges } from "../../../client/text/partition_ranges.ts";
import { partitionsFlag, selectPartitions } from "../partition_selection.ts";
import { yesFlag } from "../yes_flag.ts";

interface Row {
  readonly partition: number;
  /** Log start offset before and after. */
  readonly start: number;
  readonly newStart: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "START", cell: ({ start }) => start },
  { heading: "NEW START", cell: ({ newStart }) => newStart },
  { heading: "DELETED", cell: ({ start, newStart }) => newStart - start },
];

/** `topic trim`. */
export const topicTrim = command({
  name: "topic trim",
  summary: "Delete the messages of a topic before an offset",
  description: `Shows what will be deleted and asks for confirmation.\n\n` +
    `Offsets:\n` +
    `  end        all current messages\n` +
    `  N          messages before offset N\n` +
    `  -N         all but the last N of each partition\n` +
    `  @T         messages before a time: @2024-12-30, @2024-12-30T23:06:40Z, @-7d`,
  args: { topic: { doc: "Name of the topic" } },
  flags: {
    offset: {
      alias: "o",
      required: true,
      env: false,
      parse: parseTrimOffset,
      value: "OFFSET",
      doc: "The first offset to keep",
    },
    ...partitionsFlag,
    ...yesFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "All that is older than a week", command: "dqueue topic trim logs -o @-7d" },
    { doc: "Everything in partition 0", command: "dqueue topic trim logs -p 0 -o end --yes" },
  ],
  async run(context, { args: { topic }, flags }) {
    const { signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const partitions = await selectPartitions(context, admin, [topic], flags.partition);
    const ranges = await partitionRanges(admin, partitions, flags.offset, { signal });
    for (const range of ranges) ensureInside(range);
    const plan = ranges
      .filter(({ from, start }) => from > start)
      .map(({ partition, start, from }) => ({ partition, start, newStart: from }));
    if (plan.length > 0) await ensureAgreed(context, topic, plan, flags.yes);
    const done = await trim(admin, topic, plan, signal);
    if (flags.output === "json") {
      const json = done.map(({ partition, start, newStart }) => {
        return { topic, partition, start_offset: newStart, deleted: newStart - start };
      });
      writeJsonDocument(context.stdout, json);
    } else {
      printTable(context, COLUMNS, done, `Nothing to delete: no partition has older messages`);
    }
  },
});

function parseTrimOffset(text: string, nowMs: number): OffsetSpec {
  const spec = parseOffsetSpec(text, nowMs);
  if (spec.to !== undefined) {
    throw new UsageError(`Cannot use range "${text}": one offset is needed, the first to keep`);
  }
  return spec;
}

function ensureInside({ topic, partition, end, missing }: PartitionRange): void {
  if (missing === undefined || missing <= end) return;
  throw new CommandError(
    `Cannot trim "${topic}-${partition}": its messages end at ${end}, --offset is ${missing}`,
  );
}

async function ensureAgreed(
  context: Context,
  topic: string,
  plan: readonly Row[],
  isAgreed: boolean,
): Promise<void> {
  const count = plan.reduce((sum, { start, newStart }) => sum + newStart - start, 0);
  if (!isAgreed) context.stderr.write(formatTable(COLUMNS, plan, context.stderr));
  await ensureConfirmed(context, `Delete ${count} messages of topic "${topic}"?`, isAgreed);
}

async function trim(
  admin: Admin,
  topic: string,
  plan: readonly Row[],
  signal: AbortSignal,
): Promise<Row[]> {
  if (plan.length === 0) return [];
  const before = Object.fromEntries(plan.map(({ partition, newStart }) => [partition, newStart]));
  const deleted = await admin.deleteRecords(topic, before, { signal });
  return deleted.map(({ partition, lowWatermark }) => {
    const { start } = plan.find((each) => each.partition === partition)!;
    return { partition, start, newStart: lowWatermark };
  });
}
