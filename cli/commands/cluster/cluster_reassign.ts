/**
 * `dqueue cluster reassign`.
 *
 * @module
 */

import type { Admin, PartitionReassignment } from "../../../client/mod.ts";
import { CommandError, messageOf, UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import type { Context } from "../../terminal/context.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { reportFailure } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { selectTopicPartitions, topicsFlag } from "../partition_selection.ts";
import { partitionKey } from "../topic_partitions.ts";
import {
  placementView,
  planFlags,
  showAndExecute,
  tellNothingDone,
} from "./replicas/replica_plan.ts";
import {
  partitionsOf,
  type PlacementView,
  planSpread,
  type ReplicaMove,
} from "./replicas/replica_placement.ts";

const COLUMNS: readonly Column<PartitionReassignment>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "REPLICAS", cell: ({ replicas }) => replicas.join(","), align: "right" },
  { heading: "ADDING", cell: ({ adding }) => adding.join(","), align: "right" },
  { heading: "REMOVING", cell: ({ removing }) => removing.join(","), align: "right" },
];

/** `cluster reassign`. */
export const clusterReassign = command({
  name: "cluster reassign",
  summary: "Spread partitions over brokers, or move them as a file says",
  description:
    `Shows which replicas would move; nothing is changed without --execute. Without --file it spreads ` +
    `partitions evenly over brokers, and moves as little as possible. A file has the format of ` +
    `kafka-reassign-partitions.\n\n` +
    `Old replicas are removed once the new ones have all records. Until then --list shows a ` +
    `reassignment, and --cancel ends it.`,
  flags: {
    topic: { ...topicsFlag.topic, required: false },
    to: {
      type: "integer",
      min: 0,
      separator: ",",
      env: false,
      value: "ID,…",
      doc: "Brokers to spread over; default all that are live",
    },
    file: { isFile: true, env: false, doc: "JSON with the replicas of partitions" },
    list: { type: "boolean", env: false, doc: "Show the reassignments in progress" },
    cancel: { type: "boolean", env: false, doc: "Cancel reassignments in progress" },
    ...planFlags,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "Use a broker that was added", command: "dqueue cluster reassign --execute" },
    { doc: "Move a topic", command: "dqueue cluster reassign -t orders --to 4,5,6 --execute" },
    {
      doc: "Move one partition",
      command: `echo '{"partitions":[{"topic":"orders","partition":0,"replicas":[3,1]}]}' | ` +
        `dqueue cluster reassign --file - --execute`,
    },
  ],
  async run(context, { flags }) {
    const { topic, to, file, list, cancel } = flags;
    if (list && cancel) throw new UsageError("Cannot use --list with --cancel");
    if (file !== undefined && (to.length > 0 || topic.length > 0 || list || cancel)) {
      throw new UsageError("Cannot use --file with --topic, --to, --list or --cancel");
    }
    if ((list || cancel) && to.length > 0) {
      throw new UsageError("Cannot use --to with --list or --cancel");
    }
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selected = (await selectTopicPartitions(context, admin, topic)).flatMap(
      ({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })),
    );
    if (list || cancel) {
      const wanted = selected.length === 0 ? undefined : selected;
      const found = await admin.listReassignments(wanted, { signal: context.signal });
      printReassignments(context, found, flags.output);
      if (cancel) await cancelAll(context, admin, found, flags.execute);
      return;
    }
    const view = await placementView(context, admin);
    const moves = file === undefined
      ? spread(view, selected.map(partitionKey), to)
      : movesOf(view, await readPlan(context, file));
    const nothing = "All partitions are where they should be";
    await showAndExecute(context, admin, moves, flags, nothing);
  },
});

function spread(view: PlacementView, wanted: readonly string[], to: readonly number[]) {
  const targets = to.length === 0
    ? view.brokers.map(({ id }) => id).filter((id) => !view.draining.has(id))
    : [...new Set(to)];
  const isWanted = new Set(wanted);
  const partitions = partitionsOf(view.topics).filter(({ topic, partition: { partition } }) =>
    isWanted.size === 0 || isWanted.has(partitionKey({ topic, partition }))
  );
  return planSpread(view, partitions, targets);
}

function printReassignments(
  context: Context,
  found: readonly PartitionReassignment[],
  output: "table" | "json",
): void {
  if (output === "table") return printTable(context, COLUMNS, found, "No reassignments");
  writeJsonDocument(
    context.stdout,
    found.map(({ topic, partition, replicas, adding, removing }) => ({
      topic,
      partition,
      replicas: [...replicas],
      adding: [...adding],
      removing: [...removing],
    })),
  );
}

async function cancelAll(
  context: Context,
  admin: Admin,
  found: readonly PartitionReassignment[],
  execute: boolean,
): Promise<void> {
  if (found.length === 0) return;
  if (!execute) return tellNothingDone(context);
  const plans = found.map(({ topic, partition }) => ({ topic, partition, replicas: null }));
  for (const { error } of await admin.reassignPartitions(plans, { signal: context.signal })) {
    if (error !== undefined) reportFailure(context, error);
  }
}

/** A partition in a file of kafka-reassign-partitions. */
interface FilePartition {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
}

/** @throws {CommandError} If the file cannot be read, or has another form. */
async function readPlan(context: Context, file: string): Promise<readonly FilePartition[]> {
  let plan: unknown;
  try {
    plan = JSON.parse(await context.readTextFile(file));
  } catch (error) {
    throw new CommandError(`Cannot read plan "${file}": ${messageOf(error)}`);
  }
  const { partitions } = (plan ?? {}) as { partitions?: unknown };
  if (Array.isArray(partitions) && partitions.every(isFilePartition)) return partitions;
  throw new CommandError(
    `Cannot read plan "${file}": expected ` +
      `{"partitions":[{"topic":"orders","partition":0,"replicas":[1,2,3]}]}`,
  );
}

function isFilePartition(value: unknown): value is FilePartition {
  const { topic, partition, replicas } = (value ?? {}) as Record<string, unknown>;
  return typeof topic === "string" && Number.isSafeInteger(partition) &&
    Array.isArray(replicas) && replicas.length > 0 && replicas.every(Number.isSafeInteger);
}

/** @throws {CommandError} If there is no such partition. */
function movesOf(view: PlacementView, plan: readonly FilePartition[]): ReplicaMove[] {
  const known = new Map(
    partitionsOf(view.topics).map(({ topic, partition }) => [
      partitionKey({ topic, partition: partition.partition }),
      partition.replicas,
    ]),
  );
  return plan.flatMap(({ topic, partition, replicas: to }) => {
    const from = known.get(partitionKey({ topic, partition }));
    if (from === undefined) throw new CommandError(`Cannot find partition ${topic}-${partition}`);
    return `${from}` === `${to}` ? [] : [{ topic, partition, from, to }];
  });
}
