/**
 * Shows plans of replicas, and carries them out.
 *
 * @module
 */

import type { Admin, PartitionResult } from "../../../../client/mod.ts";
import { delay } from "../../../../client/connection/waiting.ts";
import type { Flags } from "../../../program/flag.ts";
import { writeJsonDocument } from "../../../records/json.ts";
import type { Context } from "../../../terminal/context.ts";
import { type Column, printTable } from "../../../terminal/table.ts";
import { errorToJson, reportFailure } from "../../outcomes.ts";
import { partitionKey } from "../../topic_partitions.ts";
import type { PlacementView, ReplicaMove } from "./replica_placement.ts";

/** Flags of commands that move replicas. */
export const planFlags = {
  execute: { type: "boolean", env: false, doc: "Carry out the plan" },
  wait: { type: "boolean", env: false, doc: "With --execute: wait until all is copied" },
} as const satisfies Flags;

/** Values of {@linkcode planFlags}, and the form of the output. */
export interface PlanOptions {
  readonly execute: boolean;
  readonly wait: boolean;
  readonly output: "table" | "json";
}

/** Partitions of one request. */
const MAX_AT_ONCE = 500;
/** Time between two looks at what is still being copied. */
const INTERVAL_MS = 250;

/** What plans depend on. */
export async function placementView({ signal }: Context, admin: Admin): Promise<PlacementView> {
  const [{ brokers }, listings] = await Promise.all([
    admin.describeCluster({ signal }),
    admin.listTopics({ internal: true, signal }),
  ]);
  const [topics, draining] = await Promise.all([
    admin.describeTopics(listings.map(({ name }) => name), { signal }),
    drainingOf(admin, brokers.map(({ id }) => id), signal),
  ]);
  return { brokers, draining, topics };
}

/** The brokers that are being drained, of this program: others have no such setting. */
async function drainingOf(
  admin: Admin,
  ids: readonly number[],
  signal: AbortSignal,
): Promise<Set<number>> {
  const isDraining = await Promise.all(ids.map(async (id) => {
    const configs = await admin.describeConfigs({ type: "broker", name: `${id}` }, { signal })
      .catch(() => []);
    return configs.some(({ name, value }) => name === DRAINING && value === "true");
  }));
  return new Set(ids.filter((_, at) => isDraining[at]));
}

/** The setting of a broker that gets no replicas, and leads only what no other can. */
export const DRAINING = "broker.draining";

/**
 * Prints a plan and, if wanted, carries it out.
 *
 * @param nothing What to say if nothing has to be done.
 * @returns Whether it was carried out, for all partitions.
 */
export async function showAndExecute(
  context: Context,
  admin: Admin,
  moves: readonly ReplicaMove[],
  { execute, wait, output }: PlanOptions,
  nothing: string,
): Promise<boolean> {
  const { stdout, stderr, signal } = context;
  if (output === "table") printTable(context, COLUMNS, moves, nothing);
  const isDone = execute && moves.length > 0;
  const results = isDone ? await reassign(admin, moves, signal) : [];
  if (output === "json") {
    const errors = new Map(results.map((result) => [partitionKey(result), result.error]));
    writeJsonDocument(
      stdout,
      moves.map((move) => ({
        topic: move.topic,
        partition: move.partition,
        replicas: [...move.from],
        new_replicas: [...move.to],
        executed: isDone,
        error: errorToJson(errors.get(partitionKey(move))),
      })),
    );
  }
  for (const { error } of results) if (error !== undefined) reportFailure(context, error);
  if (!execute && moves.length > 0) tellNothingDone(context);
  if (isDone && wait) await untilCopied(context, admin, moves);
  else if (isDone) await tellProgress(context, admin);
  await stderr.flush();
  return execute && results.every(({ error }) => error === undefined);
}

/** Says that a plan was only shown. */
export function tellNothingDone({ stderr }: Context): void {
  stderr.line(stderr.style.dim("Nothing was changed: add --execute to carry it out"));
}

async function reassign(
  admin: Admin,
  moves: readonly ReplicaMove[],
  signal: AbortSignal,
): Promise<PartitionResult[]> {
  const results: PartitionResult[] = [];
  for (let i = 0; i < moves.length; i += MAX_AT_ONCE) {
    const some = moves.slice(i, i + MAX_AT_ONCE);
    const plans = some.map(({ topic, partition, to }) => ({ topic, partition, replicas: to }));
    results.push(...await admin.reassignPartitions(plans, { signal }));
  }
  return results;
}

async function tellProgress({ stderr, signal }: Context, admin: Admin): Promise<void> {
  const left = await admin.listReassignments(undefined, { signal });
  if (left.length === 0) return;
  stderr.line(
    `${
      partitionCount(left.length)
    } being copied; "dqueue cluster reassign --list" shows them, and ` +
      `"dqueue cluster health --wait" waits`,
  );
}

async function untilCopied(
  { stderr, signal }: Context,
  admin: Admin,
  moves: readonly ReplicaMove[],
): Promise<void> {
  const planned = new Set(moves.map(partitionKey));
  let said = -1;
  for (;;) {
    const left = (await admin.listReassignments(undefined, { signal }))
      .filter((each) => planned.has(partitionKey(each))).length;
    if (left === 0) return;
    if (left !== said) stderr.line(`Waiting: ${partitionCount(left)} being copied`);
    said = left;
    await stderr.flush();
    await delay(INTERVAL_MS, signal);
  }
}

function partitionCount(count: number): string {
  return count === 1 ? "1 partition is" : `${count} partitions are`;
}

const COLUMNS: readonly Column<ReplicaMove>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "REPLICAS", cell: ({ from }) => from.join(","), align: "right" },
  { heading: "NEW", cell: ({ to }) => to.join(","), align: "right", paint: ({ cyan }) => cyan },
  { heading: "COPIES TO", cell: addedText, align: "right" },
];

function addedText({ from, to }: ReplicaMove): string {
  return to.filter((id) => !from.includes(id)).join(",");
}
