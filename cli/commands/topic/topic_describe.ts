/**
 * `dqueue topic describe`.
 *
 * @module
 */

import type { Admin, ConfigEntry, TopicListing } from "../../../client/mod.ts";
import { formatBytes } from "../../values/bytes.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { type Json, writeJsonDocument } from "../../records/json.ts";
import type { Output } from "../../terminal/output.ts";
import { type Column, formatDetails, formatTable } from "../../terminal/table.ts";
import { withUnit } from "../../values/units.ts";
import { connect, connectionFlags } from "../connection.ts";
import { regexFlag } from "../name_selection.ts";
import { outputFlag } from "../output_flag.ts";
import { selectTopics } from "./topic_names.ts";

/** Maximum number of topics described concurrently. */
const MAX_CONCURRENT = 8;

interface PartitionRow {
  readonly partition: number;
  /** −1 if the partition has no leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Null if the partition has no leader. */
  readonly start: number | null;
  readonly end: number | null;
  /** Size in bytes of the leader's log; null if unknown. */
  readonly size: number | null;
}

interface Topic {
  readonly name: string;
  readonly id: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionRow[];
  readonly configs: readonly ConfigEntry[];
}

const PARTITION_COLUMNS: readonly Column<PartitionRow>[] = [
  { heading: "PARTITION", cell: ({ partition }) => partition },
  {
    heading: "LEADER",
    cell: ({ leader }) => leader < 0 ? "none" : leader,
    align: "right",
    paint: ({ red }, { leader }) => leader < 0 ? red : (text) => text,
  },
  { heading: "EPOCH", cell: ({ leaderEpoch }) => leaderEpoch },
  { heading: "REPLICAS", cell: ({ replicas }) => replicas.join(","), align: "right" },
  {
    heading: "ISR",
    cell: ({ isr }) => isr.join(","),
    align: "right",
    paint: ({ yellow }, row) => isUnderReplicated(row) ? yellow : (text) => text,
  },
  { heading: "START", cell: ({ start }) => start },
  { heading: "END", cell: ({ end }) => end },
  { heading: "MESSAGES", cell: messagesOf },
  { heading: "SIZE", cell: ({ size }) => size === null ? null : formatBytes(size), align: "right" },
];

const CONFIG_COLUMNS: readonly Column<ConfigEntry>[] = [
  { heading: "SETTING", cell: ({ name }) => name },
  { heading: "VALUE", cell: ({ name, value }) => readableValue(name, value), maxWidth: 60 },
  {
    heading: "SOURCE",
    cell: ({ source }) => source,
    paint: ({ dim, cyan }, { source }) => source === "topic" ? cyan : dim,
  },
];

/** `topic describe`. */
export const topicDescribe = command({
  name: "topic describe",
  summary: "Describe topics: their partitions and settings",
  description: `MESSAGES counts offsets: a topic with transactions or compaction may have ` +
    `fewer messages.`,
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: { ...regexFlag, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "One topic", command: "dqueue topic describe orders" },
    {
      doc: "End offsets, for a script",
      command: "dqueue topic describe orders --output json | jq '.[].partitions[].end_offset'",
    },
  ],
  async run(context, { args, flags }) {
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selection = { names: args.topics, isRegex: flags.regex, internal: false };
    const listings = await selectTopics(context, admin, selection);
    const topics = await describeAll(context, admin, listings);
    if (flags.output === "json") writeJsonDocument(context.stdout, topics.map(topicToJson));
    else topics.forEach((topic, i) => printTopic(context.stdout, topic, i));
  },
});

async function describeAll(
  context: Context,
  admin: Admin,
  listings: readonly TopicListing[],
): Promise<Topic[]> {
  const sizes = await replicaSizes(context, admin, listings);
  const topics: Topic[] = [];
  for (let i = 0; i < listings.length; i += MAX_CONCURRENT) {
    const some = listings.slice(i, i + MAX_CONCURRENT);
    topics.push(...await Promise.all(some.map((each) => describe(context, admin, each, sizes))));
  }
  return topics;
}

async function describe(
  { signal }: Context,
  admin: Admin,
  { name }: TopicListing,
  sizes: ReadonlyMap<string, number>,
): Promise<Topic> {
  const topic = await admin.describeTopic(name, { signal });
  // Requesting offsets of leaderless partitions would wait until --timeout.
  const partitions = topic.partitions
    .filter(({ leaderId }) => leaderId >= 0)
    .map(({ partition }) => partition);
  const [starts, ends, configs] = await Promise.all([
    admin.listOffsets(name, "earliest", { partitions, signal }),
    admin.listOffsets(name, "latest", { partitions, signal }),
    admin.describeConfigs({ type: "topic", name }, { signal }),
  ]);
  const rows = topic.partitions.map(({ partition, leaderId, leaderEpoch, replicas, isr }) => {
    const index = partitions.indexOf(partition);
    return {
      partition,
      leader: leaderId,
      leaderEpoch,
      replicas,
      isr,
      start: starts[index]?.offset ?? null,
      end: ends[index]?.offset ?? null,
      size: sizes.get(replicaKey(leaderId, name, partition)) ?? null,
    };
  });
  return { name, id: topic.id, isInternal: topic.isInternal, partitions: rows, configs };
}

/** Sizes are optional: brokers may be too old, or deny access. */
async function replicaSizes(
  { signal }: Context,
  admin: Admin,
  listings: readonly TopicListing[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  try {
    const topics = listings.map(({ name }) => name);
    for (const { brokerId, replicas } of await admin.describeLogDirs({ topics, signal })) {
      for (const { topic, partition, sizeBytes, isFuture } of replicas) {
        if (!isFuture) sizes.set(replicaKey(brokerId, topic, partition), sizeBytes);
      }
    }
  } catch {
    signal.throwIfAborted();
  }
  return sizes;
}

function replicaKey(brokerId: number, topic: string, partition: number): string {
  return `${brokerId} ${topic} ${partition}`;
}

function messagesOf({ start, end }: PartitionRow): number | null {
  return start === null || end === null ? null : end - start;
}

function readableValue(name: string, value: string | null): string | null {
  if (value === null) return null;
  const short = withUnit(name, value);
  return short === value ? value : `${value} (${short})`;
}

function printTopic(output: Output, topic: Topic, index: number): void {
  const { style } = output;
  const { name, id, partitions, configs } = topic;
  if (index > 0) output.line();
  const kind = topic.isInternal ? " (internal)" : "";
  output.write(formatDetails([
    ["Topic", name + kind],
    ["Id", id],
    ["Partitions", partitions.length],
    ["Replicas", partitions[0]?.replicas.length ?? 0],
    ...problemsOf(partitions),
    ["Messages", sum(partitions.map(messagesOf))],
    ["Size", sizeText(sum(partitions.map(({ size }) => size)))],
  ], style));
  output.line();
  output.write(formatTable(PARTITION_COLUMNS, partitions, output));
  output.line();
  output.write(formatTable(CONFIG_COLUMNS, configs, output));
}

/** Counts of partitions that are not as they should be, if there are any. */
function problemsOf(partitions: readonly PartitionRow[]): [name: string, count: number][] {
  const counts: [string, number][] = [
    ["Under-replicated", partitions.filter(isUnderReplicated).length],
    ["Without leader", partitions.filter(({ leader }) => leader < 0).length],
  ];
  return counts.filter(([, count]) => count > 0);
}

function isUnderReplicated({ isr, replicas }: PartitionRow): boolean {
  return isr.length < replicas.length;
}

/** Sum, or null if an amount is null. */
function sum(amounts: readonly (number | null)[]): number | null {
  let total = 0;
  for (const amount of amounts) {
    if (amount === null) return null;
    total += amount;
  }
  return total;
}

function sizeText(bytes: number | null): string | null {
  return bytes === null ? null : formatBytes(bytes);
}

function topicToJson({ name, id, isInternal, partitions, configs }: Topic): Json {
  return {
    name,
    id,
    internal: isInternal,
    under_replicated: partitions.filter(isUnderReplicated).length,
    partitions: partitions.map((row) => ({
      partition: row.partition,
      leader: row.leader,
      leader_epoch: row.leaderEpoch,
      replicas: row.replicas,
      isr: row.isr,
      start_offset: row.start,
      end_offset: row.end,
      size_bytes: row.size,
    })),
    configs: configs.map((entry) => ({
      name: entry.name,
      value: entry.value,
      source: entry.source,
      read_only: entry.isReadOnly,
      sensitive: entry.isSensitive,
    })),
  };
}
