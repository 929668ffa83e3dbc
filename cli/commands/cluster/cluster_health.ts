/**
 * `dqueue cluster health`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import {
  examineCluster,
  type Health,
  type HealthAdmin,
} from "../../../client/admin/cluster_examination.ts";
import { delay } from "../../../client/connection/waiting.ts";
import { ExitCode, messageOf } from "../../errors.ts";
import { type Json, writeJsonDocument } from "../../records/json.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { formatDuration } from "../../../client/text/duration.ts";

/** Longer lists are truncated in text output. */
const MAX_LISTED = 20;

/** Time between two examinations. */
const INTERVAL_MS = 500;

/** `cluster health`. */
export const clusterHealth = command({
  name: "cluster health",
  summary: "Check the health of brokers and partitions",
  description:
    `Checks for brokers that do not respond, are missing, or cannot reach the metadata store, failed ` +
    `data folders, partitions without a live leader and under-replicated partitions. Exits with 1 if ` +
    `there are any. With --wait it examines the cluster again until there are none, or --timeout has ` +
    `passed.`,
  flags: {
    wait: { type: "boolean", env: false, doc: "Wait until the cluster is healthy" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "In a script", command: "dqueue cluster health > /dev/null || page-somebody" },
    {
      doc: "After a broker was restarted, before the next one is",
      command: "dqueue cluster health --wait --timeout 5m",
    },
  ],
  async run(context, { flags }) {
    await using client = await connect(context, flags, { waits: flags.wait });
    const admin = client.admin();
    const health = flags.wait
      ? await untilHealthy(context, admin, flags.timeout)
      : await examineCluster(admin, context.signal);
    if (health.problems.length > 0) context.exitCode = ExitCode.failure;
    if (flags.output === "json") writeJsonDocument(context.stdout, healthToJson(health));
    else printHealth(context, health);
  },
});

/** Examines a cluster until it is healthy or time is up; returns the last result. */
async function untilHealthy(
  context: Context,
  admin: HealthAdmin,
  timeoutMs: number,
): Promise<Health> {
  const { signal, stderr } = context;
  const endMs = performance.now() + timeoutMs;
  let said: string | undefined;
  for (;;) {
    let health: Health | undefined;
    let failure: unknown;
    try {
      health = await examineCluster(admin, signal);
      if (health.problems.length === 0) return health;
    } catch (error) {
      signal.throwIfAborted();
      // A broker that has just stopped, or a topic that has just been deleted.
      if (!(error instanceof Error && "retriable" in error && error.retriable === true)) {
        throw error;
      }
      failure = error;
    }
    if (performance.now() + INTERVAL_MS > endMs) {
      if (health === undefined) throw failure;
      stderr.line(`Still not healthy after ${formatDuration(timeoutMs)} (--timeout)`);
      return health;
    }
    const state = health === undefined ? messageOf(failure) : summaryOf(health);
    if (state !== said) stderr.line(`Waiting until the cluster is healthy: ${state}`);
    said = state;
    await stderr.flush();
    await delay(INTERVAL_MS, signal);
  }
}

/** Such as `missing brokers (1), partitions without a live leader (4)`. */
function summaryOf({ problems }: Health): string {
  return problems.map(({ title, items }) =>
    `${title[0]!.toLowerCase()}${title.slice(1)} (${items.length})`
  ).join(", ");
}

function printHealth({ stdout }: Context, health: Health): void {
  const { style } = stdout;
  const { brokers, partitions, problems } = health;
  const count = `${counted(brokers.length, "broker")}, ${counted(partitions, "partition")}`;
  if (problems.length === 0) return stdout.line(`${style.green("Healthy")}: ${count}`);
  stdout.line(`${style.red("Not healthy")}: ${count}`);
  for (const { title, items } of problems) {
    stdout.line();
    stdout.line(style.bold(`${title} (${items.length}):`));
    for (const item of items.slice(0, MAX_LISTED)) stdout.line(`  ${item}`);
    const more = items.length - MAX_LISTED;
    if (more > 0) stdout.line(`  and ${more} more; --output json lists all`);
  }
}

function counted(amount: number, thing: string): string {
  return `${amount} ${thing}${amount === 1 ? "" : "s"}`;
}

function healthToJson({ clusterId, controllerId, brokers, partitions, problems }: Health): Json {
  return {
    healthy: problems.length === 0,
    cluster_id: clusterId,
    controller: controllerId,
    brokers: brokers.map(({ id }) => id),
    partitions,
    problems: Object.fromEntries(problems.map(({ name, items }) => [name, items])),
  };
}
