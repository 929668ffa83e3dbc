/**
 * `dqueue group offset-delete`.
 *
 * @module
 */

import type { CommittedOffset } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import type { Context } from "../../terminal/context.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, formatTable, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { selectGroups } from "./group_names.ts";
import { outputFlag } from "../output_flag.ts";
import type { TopicPartitions } from "../../../client/text/partition_ranges.ts";
import { mergeTopics, topicsFlag } from "../partition_selection.ts";
import { yesFlag } from "../yes_flag.ts";

const COLUMNS: readonly Column<CommittedOffset>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "COMMITTED", cell: ({ offset }) => offset },
];

/** `group offset-delete`. */
export const groupOffsetDelete = command({
  name: "group offset-delete",
  summary: "Delete offsets that a group has committed",
  description: `Shows what will be deleted and asks for confirmation. Without a committed ` +
    `offset, members start where their settings say. Offsets of topics that a member reads cannot ` +
    `be deleted.`,
  args: { group: { doc: "Id of the group" } },
  flags: { ...topicsFlag, ...yesFlag, ...outputFlag, ...connectionFlags },
  examples: [
    {
      doc: "A topic that the group no longer reads",
      command: "dqueue group offset-delete billing --topic old-orders --yes",
    },
    {
      doc: "Two partitions",
      command: "dqueue group offset-delete billing --topic orders:0,1",
    },
  ],
  async run(context, { args: { group }, flags }) {
    const { signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    await selectGroups(context, admin, { names: [group], isRegex: false });
    const topics = mergeTopics(flags.topic);
    // The topic may be deleted, so this lists the committed offsets and not the partitions.
    const committed = await admin.listGroupOffsets(group, { signal });
    const plan = committed.filter((each) => topics.some((topic) => isMeant(topic, each)));
    if (plan.length > 0) {
      await ensureAgreed(context, group, plan, flags.yes);
      await admin.deleteGroupOffsets(group, plan, { signal });
    }
    if (flags.output === "json") {
      const json = plan.map(({ topic, partition, offset }) => {
        return { group, topic, partition, committed_offset: offset };
      });
      writeJsonDocument(context.stdout, json);
    } else printTable(context, COLUMNS, plan, "Nothing to delete: no offset is committed there");
  },
});

function isMeant({ topic, partitions }: TopicPartitions, committed: CommittedOffset): boolean {
  if (topic !== committed.topic) return false;
  return partitions.length === 0 || partitions.includes(committed.partition);
}

async function ensureAgreed(
  context: Context,
  group: string,
  plan: readonly CommittedOffset[],
  isAgreed: boolean,
): Promise<void> {
  if (!isAgreed) context.stderr.write(formatTable(COLUMNS, plan, context.stderr));
  const what = plan.length === 1
    ? "this committed offset"
    : `these ${plan.length} committed offsets`;
  await ensureConfirmed(context, `Delete ${what} of group "${group}"?`, isAgreed);
}
