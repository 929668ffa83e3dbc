/**
 * `dqueue cluster drain`.
 *
 * @module
 */

import type { Admin } from "../../../client/mod.ts";
import { CommandError, UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { connect, connectionFlags } from "../connection.ts";
import { reportFailure } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import {
  DRAINING,
  placementView,
  planFlags,
  showAndExecute,
  tellNothingDone,
} from "./replicas/replica_plan.ts";
import {
  partitionsOf,
  type PlacementView,
  planLeadersAway,
  planWithoutBroker,
  type ReplicaMove,
} from "./replicas/replica_placement.ts";

/** `cluster drain`. */
export const clusterDrain = command({
  name: "cluster drain",
  summary: "Move what a broker leads, or all its replicas, to others",
  description:
    `Shows the plan; nothing is changed without --execute. From then on the broker gets no new ` +
    `replicas, and leads only what no other broker can, also after a restart. With --replicas the ` +
    `data moves too: then the broker can be stopped, and "dqueue cluster remove" forgets it.\n\n` +
    `--undo ends that; "dqueue cluster reassign" then spreads partitions over it again.`,
  args: { broker: { doc: "Id of the broker", type: "integer", min: 0 } },
  flags: {
    replicas: { type: "boolean", env: false, doc: "Move the data, not only the leaders" },
    undo: { type: "boolean", env: false, doc: "Let the broker get replicas and lead again" },
    ...planFlags,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "Before a longer maintenance", command: "dqueue cluster drain 3 --execute" },
    {
      doc: "Before the broker goes for good",
      command: "dqueue cluster drain 3 --replicas --execute --wait",
    },
  ],
  async run(context, { args: { broker: id }, flags }) {
    await using client = await connect(context, flags);
    const admin = client.admin();
    const view = await placementView(context, admin);
    ensureKnown(view, id);
    if (flags.undo && flags.replicas) throw new UsageError("Cannot use --undo with --replicas");
    if (flags.undo) return await undo(context, admin, view, id, flags.execute);
    // A broker that is lost gets nothing anyway.
    const isLive = view.brokers.some((broker) => broker.id === id);
    if (flags.execute && isLive) await setDraining(context, admin, id, "true");
    const moves = flags.replicas ? planWithoutBroker(view, id) : planLeadersAway(view, id);
    if (!flags.replicas) warnOfSingles(context, view, id);
    const nothing = flags.replicas
      ? `Broker ${id} has no replicas`
      : `Broker ${id} leads no partition that others have`;
    const isDone = await showAndExecute(context, admin, moves, flags, nothing);
    if (isDone && !flags.replicas) await electOthers(context, admin, moves);
  },
});

async function undo(
  context: Context,
  admin: Admin,
  { draining }: PlacementView,
  id: number,
  execute: boolean,
): Promise<void> {
  const { stdout } = context;
  if (!draining.has(id)) return stdout.line(`Broker ${id} is not drained`);
  if (execute) await setDraining(context, admin, id, null);
  stdout.line(`Broker ${id} ${execute ? "gets" : "would get"} replicas and leads again`);
  if (!execute) tellNothingDone(context);
}

async function setDraining(
  { signal }: Context,
  admin: Admin,
  id: number,
  value: "true" | null,
): Promise<void> {
  await admin.alterConfigs({ type: "broker", name: `${id}` }, { [DRAINING]: value }, { signal });
}

/** @throws {CommandError} If there is no such broker. */
function ensureKnown(view: PlacementView, id: number): void {
  const ids = new Set(view.brokers.map((broker) => broker.id));
  for (const { partition } of partitionsOf(view.topics)) {
    for (const replica of partition.replicas) ids.add(replica);
  }
  if (ids.has(id)) return;
  const known = [...ids].sort((a, b) => a - b).join(", ");
  throw new CommandError(`Cannot find broker ${id}: the brokers are ${known}`);
}

function warnOfSingles({ stderr }: Context, view: PlacementView, id: number): void {
  const singles =
    partitionsOf(view.topics).filter(({ partition: { replicas } }) =>
      replicas.length === 1 && replicas[0] === id
    ).length;
  if (singles === 0) return;
  const count = singles === 1 ? "1 partition has" : `${singles} partitions have`;
  stderr.line(
    `${
      stderr.style.yellow("Warning:")
    } ${count} no other replica, and cannot be used while broker ` +
      `${id} is stopped; --replicas moves them`,
  );
}

async function electOthers(
  context: Context,
  admin: Admin,
  moves: readonly ReplicaMove[],
): Promise<void> {
  if (moves.length === 0) return;
  const partitions = moves.map(({ topic, partition }) => ({ topic, partition }));
  const results = await admin.electLeaders(partitions, { signal: context.signal });
  for (const { error } of results) if (error !== undefined) reportFailure(context, error);
}
