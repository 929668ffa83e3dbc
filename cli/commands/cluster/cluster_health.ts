/**
 * `dqueue cluster health`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { ExitCode } from "../../errors.ts";
import { type Json, writeJsonDocument } from "../../records/json.ts";
import { examineCluster, type Health } from "./cluster_examination.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";

/** Longer lists are truncated in text output. */
const MAX_LISTED = 20;

/** `cluster health`. */
export const clusterHealth = command({
  name: "cluster health",
  summary: "Check the health of brokers and partitions",
  description: `Checks for brokers that do not respond, failed data folders, leaderless ` +
    `partitions and under-replicated partitions. Exits with 1 if there are any.`,
  flags: { ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "In a script", command: "dqueue cluster health > /dev/null || page-somebody" },
  ],
  async run(context, { flags }) {
    await using client = await connect(context, flags);
    const health = await examineCluster(client.admin(), context.signal);
    if (health.problems.length > 0) context.exitCode = ExitCode.failure;
    if (flags.output === "json") writeJsonDocument(context.stdout, healthToJson(health));
    else printHealth(context, health);
  },
});

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
