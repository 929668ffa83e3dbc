/**
 * `dqueue cluster elect`.
 *
 * @module
 */

import type { Admin, TopicDescription } from "../../../client/mod.ts";
import { UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { formatBytes } from "../../values/bytes.ts";
import { writeJsonDocument } from "../../records/json.ts";
import type { Context } from "../../terminal/context.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { errorToJson, reportFailure } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { selectTopicPartitions, topicsFlag } from "../partition_selection.ts";
import { partitionKey } from "../topic_partitions.ts";
import { placementView, tellNothingDone } from "./replicas/replica_plan.ts";
import { partitionsOf, type PlacementView } from "./replicas/replica_placement.ts";

/** A partition that needs an election. */
interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Who would be elected; for an unclean election those who can be. */
  readonly candidates: readonly number[];
  /** Bytes that each candidate of an unclean election has, as far as known. */
  readonly sizes: ReadonlyMap<number, number>;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "LEADER", cell: ({ leader }) => leader < 0 ? "none" : leader, align: "right" },
  { heading: "REPLICAS", cell: ({ replicas }) => replicas.join(","), align: "right" },
  { heading: "ISR", cell: ({ isr }) => isr.join(","), align: "right" },
  {
    heading: "NEW",
    cell: candidatesText,
    align: "right",
    paint: ({ cyan, red }, { candidates }) => candidates.length === 0 ? red : cyan,
  },
];

const NO_SIZES: ReadonlyMap<number, number> = new Map();

/** `cluster elect`. */
export const clusterElect = command({
  name: "cluster elect",
  summary: "Give partitions their preferred leader, or any leader",
  description:
    `The preferred leader is the first replica. Shows the partitions that another broker leads; ` +
    `nothing is changed without --execute.\n\n` +
    `With --unclean it shows the partitions that have no leader, because no replica that is in sync ` +
    `is live, and the size of what the live ones have. The one that reaches farthest is elected. ` +
    `ACKNOWLEDGED MESSAGES THAT IT DOES NOT HAVE ARE LOST: first try to start the other brokers.`,
  flags: {
    topic: { ...topicsFlag.topic, required: false },
    unclean: {
      type: "boolean",
      env: false,
      doc: "Elect a replica that may lack messages; needs --topic",
    },
    execute: { type: "boolean", env: false, doc: "Hold the elections" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "After a broker was away", command: "dqueue cluster elect --execute" },
    {
      doc: "A partition whose in-sync replicas are lost",
      command: "dqueue cluster elect --unclean --topic orders:3 --execute",
    },
  ],
  async run(context, { flags }) {
    if (flags.unclean && flags.topic.length === 0) {
      throw new UsageError("Missing --topic: name the topics or partitions of --unclean");
    }
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selected = await selectTopicPartitions(context, admin, flags.topic);
    const view = await placementView(context, admin);
    const wanted = new Set(
      selected.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => partitionKey({ topic, partition }))
      ),
    );
    const found = rowsOf(view, flags.unclean)
      .filter((row) => wanted.size === 0 || wanted.has(partitionKey(row)));
    const rows = flags.unclean ? await withSizes(context, admin, found) : found;
    const electable = rows.filter(({ candidates }) => candidates.length > 0);
    if (flags.output === "table") {
      const nothing = flags.unclean
        ? "All of these partitions have a leader"
        : "All partitions have their preferred leader";
      printTable(context, COLUMNS, rows, nothing);
    }
    const isDone = flags.execute && electable.length > 0;
    const errors = isDone ? await elect(context, admin, electable, flags.unclean) : new Map();
    if (flags.output === "json") {
      writeJsonDocument(
        context.stdout,
        rows.map((row) => ({
          topic: row.topic,
          partition: row.partition,
          leader: row.leader,
          replicas: [...row.replicas],
          isr: [...row.isr],
          candidates: [...row.candidates],
          ...(flags.unclean ? { candidate_bytes: sizesToJson(row) } : {}),
          executed: isDone && row.candidates.length > 0,
          error: errorToJson(errors.get(partitionKey(row))),
        })),
      );
    }
    for (const error of errors.values()) reportFailure(context, error);
    if (!flags.execute && electable.length > 0) tellNothingDone(context);
  },
});

/** The partitions that an election could give a leader, or a better one. */
function rowsOf({ brokers, topics }: PlacementView, isUnclean: boolean): Row[] {
  const live = new Set(brokers.map(({ id }) => id));
  return partitionsOf(topics).flatMap(({ topic, partition: state }) => {
    const { partition, leaderId: leader, replicas, isr } = state;
    const row = { topic, partition, leader, replicas, isr, sizes: NO_SIZES };
    if (isUnclean) {
      if (live.has(leader)) return [];
      return [{ ...row, candidates: replicas.filter((id) => live.has(id)) }];
    }
    if (leader === replicas[0] || leader < 0) return [];
    return [{ ...row, candidates: isReady(state, live) ? [replicas[0]!] : [] }];
  });
}

/** Adds how much each candidate has. */
async function withSizes({ signal }: Context, admin: Admin, rows: readonly Row[]): Promise<Row[]> {
  if (rows.length === 0) return [];
  const topics = [...new Set(rows.map(({ topic }) => topic))];
  const brokers = [...new Set(rows.flatMap(({ candidates }) => candidates))];
  const folders = await admin.describeLogDirs({ topics, brokers, signal });
  return rows.map((row) => {
    const held = folders.flatMap(({ brokerId, replicas }) =>
      replicas.filter((each) => partitionKey(each) === partitionKey(row) && !each.isFuture)
        .map(({ sizeBytes }) => [brokerId, sizeBytes] as const)
    );
    return { ...row, sizes: new Map(held) };
  });
}

function candidatesText({ candidates, sizes }: Row): string {
  if (candidates.length === 0) return "none is live";
  return candidates.map((id) => {
    const size = sizes.get(id);
    return size === undefined ? `${id}` : `${id} (${formatBytes(size)})`;
  }).join(" or ");
}

function sizesToJson({ candidates, sizes }: Row): (number | null)[] {
  return candidates.map((id) => sizes.get(id) ?? null);
}

/** Whether the preferred leader can be elected. */
function isReady(
  { replicas, isr }: TopicDescription["partitions"][number],
  live: ReadonlySet<number>,
): boolean {
  return live.has(replicas[0]!) && isr.includes(replicas[0]!);
}

/** Holds elections; returns the errors by partition. */
async function elect(
  { signal }: Context,
  admin: Admin,
  rows: readonly Row[],
  isUnclean: boolean,
): Promise<Map<string, Error>> {
  const partitions = rows.map(({ topic, partition }) => ({ topic, partition }));
  const type = isUnclean ? "unclean" as const : "preferred" as const;
  const results = await admin.electLeaders(partitions, { type, signal });
  return new Map(
    results.flatMap((result) =>
      result.error === undefined ? [] : [[partitionKey(result), result.error] as const]
    ),
  );
}
