/**
 * `dqueue cluster elect`.
 *
 * @module
 */

import type { Admin, ReplicaEnd, TopicDescription } from "../../../client/mod.ts";
import { UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
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
  /** How far each candidate of an unclean election reaches, as far as known. */
  readonly ends: ReadonlyMap<number, ReplicaEnd>;
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

const NO_ENDS: Row["ends"] = new Map();

/** `cluster elect`. */
export const clusterElect = command({
  name: "cluster elect",
  summary: "Give partitions their preferred leader, or any leader",
  description:
    `The preferred leader is the first replica. Shows the partitions that another broker leads; ` +
    `nothing is changed without --execute.\n\n` +
    `With --unclean it shows the partitions that have no leader, because no replica that is in sync ` +
    `is live, and where the log of each live one ends: its last epoch and offset. The first of them, ` +
    `which reaches farthest, is elected. ` +
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
    const rows = flags.unclean ? await withEnds(context, admin, found) : found;
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
          ...(flags.unclean ? { candidate_ends: endsToJson(row) } : {}),
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
    const row = { topic, partition, leader, replicas, isr, ends: NO_ENDS };
    if (isUnclean) {
      if (live.has(leader)) return [];
      return [{ ...row, candidates: replicas.filter((id) => live.has(id)) }];
    }
    if (leader === replicas[0] || leader < 0) return [];
    return [{ ...row, candidates: isReady(state, live) ? [replicas[0]!] : [] }];
  });
}

/** Adds how far each candidate reaches, and puts the one first that would be elected. */
async function withEnds({ signal }: Context, admin: Admin, rows: readonly Row[]): Promise<Row[]> {
  const brokers = [...new Set(rows.flatMap(({ candidates }) => candidates))];
  const ends = (await Promise.all(brokers.map((id) =>
    // One that does not answer is not elected, either.
    admin.listReplicaEnds(id, rows.filter(({ candidates }) => candidates.includes(id)), {
      signal,
    }).catch(() => [])
  ))).flat();
  return rows.map((row) => {
    const own = new Map(
      ends.filter((end) => partitionKey(end) === partitionKey(row))
        .map((end) => [end.brokerId, end] as const),
    );
    const candidates = row.candidates.toSorted((a, b) => compareEnds(own.get(b), own.get(a)));
    return { ...row, ends: own, candidates };
  });
}

function compareEnds(a: ReplicaEnd | undefined, b: ReplicaEnd | undefined): number {
  const [one, other] = [a, b].map((end) => [end?.leaderEpoch ?? -2, end?.logEndOffset ?? -1]);
  return one![0]! - other![0]! || one![1]! - other![1]!;
}

function candidatesText({ candidates, ends }: Row): string {
  if (candidates.length === 0) return "none is live";
  return candidates.map((id) => {
    const end = ends.get(id);
    return end === undefined
      ? `${id}`
      : `${id} (epoch ${end.leaderEpoch}, end ${end.logEndOffset})`;
  }).join(" or ");
}

function endsToJson({ candidates, ends }: Row) {
  return candidates.map((id) => {
    const end = ends.get(id);
    return {
      broker: id,
      leader_epoch: end?.leaderEpoch ?? null,
      log_end_offset: end?.logEndOffset ?? null,
    };
  });
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
