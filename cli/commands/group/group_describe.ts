/**
 * `dqueue group describe`.
 *
 * @module
 */

import type { GroupMember } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { type Json, writeJsonDocument } from "../../records/json.ts";
import type { Output } from "../../terminal/output.ts";
import { type Column, formatDetails, formatTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { type GroupDetails, groupDetails, type GroupPartition, totalLag } from "./group_details.ts";
import { selectGroups } from "./group_names.ts";
import { regexFlag } from "../name_selection.ts";
import { outputFlag } from "../output_flag.ts";
import { partitionsByTopic, partitionsText } from "../topic_partitions.ts";
import { watch, watchFlags } from "../watch.ts";

/** Member ids end in a UUID, whose beginning is enough to tell members apart. */
const MAX_ID_WIDTH = 30;

/** Columns that are omitted if they have no values. */
const OPTIONAL = ["INSTANCE", "EPOCH", "TO BE", "METADATA"];

const MEMBER_COLUMNS: readonly Column<GroupMember>[] = [
  { heading: "MEMBER", cell: ({ memberId }) => memberId, maxWidth: MAX_ID_WIDTH },
  { heading: "INSTANCE", cell: ({ groupInstanceId }) => groupInstanceId, maxWidth: 20 },
  { heading: "CLIENT", cell: ({ clientId }) => clientId, maxWidth: 20 },
  // Kafka writes addresses with a leading slash, as Java does.
  { heading: "HOST", cell: ({ host }) => host.replace(/^\//, "") },
  { heading: "PROTOCOL", cell: ({ protocol }) => protocol },
  { heading: "EPOCH", cell: ({ memberEpoch }) => memberEpoch },
  { heading: "PARTITIONS", cell: ({ assignment }) => partitionsText(assignment), maxWidth: 40 },
  { heading: "TO BE", cell: targetText, maxWidth: 40, paint: ({ yellow }) => yellow },
];

const PARTITION_COLUMNS: readonly Column<GroupPartition>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic, maxWidth: 40 },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "COMMITTED", cell: ({ committed }) => committed, align: "right" },
  { heading: "END", cell: ({ end }) => end, align: "right" },
  {
    heading: "LAG",
    cell: ({ lag }) => lag,
    align: "right",
    paint: ({ yellow }, { lag }) => lag ? yellow : (text) => text,
  },
  { heading: "MEMBER", cell: ({ member }) => member?.memberId, maxWidth: MAX_ID_WIDTH },
  { heading: "METADATA", cell: ({ metadata }) => metadata, maxWidth: 30 },
];

/** `group describe`. */
export const groupDescribe = command({
  name: "group describe",
  summary: "Describe groups: members, committed offsets and lag",
  description: `LAG is the number of offsets from the committed one to the end. A partition ` +
    `without a committed offset has no lag, and is not part of the total.`,
  args: { groups: { value: "GROUP", many: true, doc: "Ids of the groups" } },
  flags: { ...watchFlags, ...regexFlag, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "One group", command: "dqueue group describe billing" },
    { doc: "Watch the progress", command: "dqueue group describe billing --watch" },
    {
      doc: "The lag, for a script",
      command: "dqueue group describe billing --output json | jq '.[].lag'",
    },
  ],
  async run(context, { args, flags }) {
    const { output, interval } = flags;
    const { stdout } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const look = async () => {
      const groups = await selectGroups(context, admin, {
        names: args.groups,
        isRegex: flags.regex,
      });
      return await groupDetails(context, admin, groups.map(({ groupId }) => groupId));
    };
    const text = (groups: GroupDetails[]) => {
      return groups.map((group) => groupText(group, stdout)).join("\n");
    };
    const json = (groups: GroupDetails[]) => groups.map(groupToJson);
    if (flags.watch) {
      return await watch(context, { output, intervalMs: interval, look, text, json });
    }
    const groups = await look();
    if (output === "json") writeJsonDocument(stdout, json(groups));
    else stdout.write(text(groups));
  },
});

function groupText(group: GroupDetails, output: Output): string {
  const { groupId, state, type, assignor, coordinator, members, partitions } = group;
  const parts = [formatDetails([
    ["Group", groupId],
    ["State", state],
    ["Type", type],
    ["Assignor", assignor],
    ["Coordinator", `${coordinator.id} (${coordinator.host}:${coordinator.port})`],
    ["Members", members.length],
    ["Lag", lagText(group)],
  ], output.style)];
  if (members.length > 0) parts.push(tableOf(MEMBER_COLUMNS, members, output));
  if (partitions.length > 0) parts.push(tableOf(PARTITION_COLUMNS, partitions, output));
  return parts.join("\n");
}

function lagText(group: GroupDetails): string {
  const count = group.partitions.filter(({ committed }) => committed === null).length;
  const where = count === 1 ? "1 partition" : `${count} partitions`;
  return `${totalLag(group)}${count > 0 ? ` (nothing committed in ${where})` : ""}`;
}

function tableOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  output: Output,
): string {
  const shown = columns.filter(({ heading, cell }) => {
    return !OPTIONAL.includes(heading) || rows.some((row) => (cell(row) ?? "") !== "");
  });
  return formatTable(shown, rows, output);
}

/** The target assignment of a member, unless it equals the current one. */
function targetText({ assignment, targetAssignment = assignment }: GroupMember): string {
  const target = partitionsText(targetAssignment);
  if (target === partitionsText(assignment)) return "";
  return target === "" ? "none" : target;
}

function groupToJson(group: GroupDetails): Json {
  const { id, host, port } = group.coordinator;
  return {
    name: group.groupId,
    state: group.state,
    type: group.type,
    protocol_type: group.protocolType,
    assignor: group.assignor,
    coordinator: { id, host, port },
    group_epoch: group.groupEpoch ?? null,
    assignment_epoch: group.assignmentEpoch ?? null,
    lag: totalLag(group),
    members: group.members.map((member) => ({
      member_id: member.memberId,
      group_instance_id: member.groupInstanceId,
      client_id: member.clientId,
      host: member.host,
      rack: member.rackId,
      protocol: member.protocol,
      member_epoch: member.memberEpoch ?? null,
      topics: member.topics,
      topic_regex: member.topicRegex,
      assignment: partitionsByTopic(member.assignment),
      target_assignment: member.targetAssignment === undefined
        ? null
        : partitionsByTopic(member.targetAssignment),
    })),
    partitions: group.partitions.map((row) => ({
      topic: row.topic,
      partition: row.partition,
      committed_offset: row.committed,
      leader_epoch: row.leaderEpoch,
      end_offset: row.end,
      lag: row.lag,
      metadata: row.metadata,
      member_id: row.member?.memberId ?? null,
    })),
  };
}
