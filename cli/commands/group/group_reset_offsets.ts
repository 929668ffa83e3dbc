/**
 * `dqueue group reset-offsets`.
 *
 * @module
 */

import type { Admin, GroupOffsetTarget, ResetGroupOffset } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { CommandError } from "../../errors.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { endOffsets } from "../end_offsets.ts";
import { outputFlag } from "../output_flag.ts";
import type { TopicPartitions } from "../../../client/text/partition_ranges.ts";
import { selectTopicPartitions, topicsFlag } from "../partition_selection.ts";
import { partitionKey } from "../topic_partitions.ts";
import { parseResetTarget } from "./reset_target.ts";

interface Row {
  readonly topic: string;
  readonly partition: number;
  /** The committed offset; null if there is none. */
  readonly current: number | null;
  readonly next: number;
  /** The log end offset; null if unknown. */
  readonly end: number | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "CURRENT", cell: ({ current }) => current, align: "right" },
  {
    heading: "NEW",
    cell: ({ next }) => next,
    paint: ({ cyan }, { current, next }) => current === next ? (text) => text : cyan,
  },
  { heading: "LAG AFTER", cell: lagOf, align: "right" },
];

/** `group reset-offsets`. */
export const groupResetOffsets = command({
  name: "group reset-offsets",
  summary: "Change the committed offsets of a group",
  description:
    `Shows the new offsets; they are only changed with --execute. The group must not have ` +
    `members: stop them first.\n\n` +
    `Positions:\n` +
    `  earliest, latest   the first message, the next one to be written\n` +
    `  N                  offset N\n` +
    `  @T                 by time: @2024-12-30, @2024-12-30T23:06:40Z, @-1h\n` +
    `  +N, -N             N messages after or before the committed offset`,
  args: { group: { doc: "Id of the group" } },
  flags: {
    ...topicsFlag,
    to: {
      required: true,
      value: "POSITION",
      env: false,
      parse: parseResetTarget,
      doc: "New position of the group",
    },
    execute: { type: "boolean", env: false, doc: "Apply the changes" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    {
      doc: "Plan to read everything again",
      command: "dqueue group reset-offsets billing --topic orders --to earliest",
    },
    {
      doc: "Read the last hour of two partitions again",
      command: "dqueue group reset-offsets billing -t orders:0,1 --to @-1h --execute",
    },
    {
      doc: "Skip a message that cannot be processed",
      command: "dqueue group reset-offsets billing -t orders:3 --to +1 --execute",
    },
  ],
  async run(context, { args: { group }, flags }) {
    const { signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const topics = await selectTopicPartitions(context, admin, flags.topic);
    const resets = await planResets(context, admin, group, topics, flags.to);
    for (const reset of resets) warnIfMoved(context, reset, flags.to);
    await context.stderr.flush();
    const ends = await endOffsets(context, admin, resets);
    if (flags.execute) await admin.alterGroupOffsets(group, resets, { signal });
    const rows = resets.map((reset): Row => ({
      topic: reset.topic,
      partition: reset.partition,
      current: reset.before < 0 ? null : reset.before,
      next: reset.offset,
      end: ends.get(partitionKey(reset)) ?? null,
    }));
    if (flags.output === "json") {
      writeJsonDocument(context.stdout, rows.map((row) => rowToJson(group, row, flags.execute)));
    } else printTable(context, COLUMNS, rows, "No partitions");
    if (!flags.execute) await tellNothingDone(context, admin, group);
  },
});

async function planResets(
  { signal }: Context,
  admin: Admin,
  group: string,
  topics: readonly TopicPartitions[],
  target: GroupOffsetTarget,
): Promise<ResetGroupOffset[]> {
  const plans = await Promise.all(topics.map(async ({ topic, partitions }) => {
    const options = { partitions, validateOnly: true, signal };
    try {
      return await admin.resetGroupOffsets(group, topic, target, options);
    } catch (error) {
      // The error of the SDK is about an argument that the user has given.
      if (!(error instanceof Error && error.name === "UsageError")) throw error;
      throw new CommandError(
        `${error.message}; give --to earliest, latest, an offset or a time, or other partitions`,
        { cause: error },
      );
    }
  }));
  return plans.flat();
}

/** Warns if there is no record at the requested offset. */
function warnIfMoved(
  { stderr }: Context,
  { topic, partition, before, offset }: ResetGroupOffset,
  target: GroupOffsetTarget,
): void {
  const wanted = typeof target === "number"
    ? target
    : typeof target === "object" && "shift" in target
    ? before + target.shift
    : offset;
  if (wanted === offset) return;
  const bound = wanted < offset ? "starts" : "ends";
  stderr.line(
    `${
      stderr.style.yellow("Warning:")
    } "${topic}-${partition}" ${bound} at ${offset}, there is no ` +
      `offset ${wanted}; using ${offset}`,
  );
}

async function tellNothingDone(
  { signal, stderr }: Context,
  admin: Admin,
  group: string,
): Promise<void> {
  const groups = await admin.listGroups({ signal });
  const isNew = !groups.some(({ groupId }) => groupId === group);
  const note = isNew ? `; group "${group}" does not exist and would be created` : "";
  stderr.line(stderr.style.dim(`Nothing was changed: add --execute to apply it${note}`));
}

function lagOf({ next, end }: Row): number | null {
  return end === null ? null : Math.max(0, end - next);
}

function rowToJson(group: string, row: Row, isExecuted: boolean) {
  return {
    group,
    topic: row.topic,
    partition: row.partition,
    current_offset: row.current,
    new_offset: row.next,
    end_offset: row.end,
    lag: lagOf(row),
    executed: isExecuted,
  };
}
