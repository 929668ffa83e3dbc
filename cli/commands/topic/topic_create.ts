/**
 * `dqueue topic create`.
 *
 * @module
 */

import type { CreateTopicResult } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { parseConfigPair } from "./config_pairs.ts";
import { connect, connectionFlags } from "../connection.ts";
import { type Outcome, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { dryRunFlag } from "./dry_run_flag.ts";

/** `topic create`. */
export const topicCreate = command({
  name: "topic create",
  summary: "Create topics",
  description:
    `A topic's settings are Kafka's; sizes and durations may have units. "dqueue topic describe" ` +
    `lists them all.`,
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: {
    partitions: {
      type: "integer",
      min: 1,
      fallback: "the broker's num.partitions",
      doc: "Partitions of each topic",
    },
    replicas: {
      otherNames: ["replication-factor"],
      type: "integer",
      min: 1,
      fallback: "the broker's default.replication.factor",
      doc: "Brokers that hold each partition",
    },
    config: {
      alias: "c",
      many: true,
      value: "NAME=VALUE",
      parse: parseConfigPair,
      env: false,
      fileNames: ["configs"],
      doc: "Setting of the topics, such as retention.ms=7d",
    },
    ifNotExists: {
      type: "boolean",
      env: false,
      doc: "Succeed for topics that already exist, whatever their settings",
    },
    ...dryRunFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "With three partitions", command: "dqueue topic create orders --partitions 3" },
    {
      doc: "Kept for a week, up to 10 GiB per partition",
      command: "dqueue topic create logs -c retention.ms=7d -c retention.bytes=10GiB",
    },
  ],
  async run(context, { args, flags }) {
    const { partitions, replicas, dryRun } = flags;
    await using client = await connect(context, flags);
    const results = await client.admin().createTopics(
      [...new Set(args.topics)].map((name) => ({
        name,
        ...(partitions === undefined ? {} : { partitions }),
        ...(replicas === undefined ? {} : { replicas }),
        configs: Object.fromEntries(flags.config),
      })),
      { validateOnly: dryRun, signal: context.signal },
    );
    const outcomes = results.map((result) => outcomeOf(result, dryRun, flags.ifNotExists));
    printOutcomes(context, flags.output, outcomes, { details: ["partitions", "replicas"] });
  },
});

function outcomeOf(result: CreateTopicResult, isDryRun: boolean, ifNotExists: boolean): Outcome {
  const { name, topic, error } = result;
  const details = {
    id: topic === undefined || isDryRun ? null : topic.id,
    partitions: known(topic?.partitions),
    replicas: known(topic?.replicas),
  };
  if (error === undefined) return { name, status: isDryRun ? "valid" : "created", details };
  if (ifNotExists && error.code === "TOPIC_ALREADY_EXISTS") {
    return { name, status: "exists", details };
  }
  return { name, status: "failed", error, details };
}

/** Old brokers do not return the count, for which the SDK returns −1. */
function known(count: number | undefined): number | null {
  return count === undefined || count < 0 ? null : count;
}
