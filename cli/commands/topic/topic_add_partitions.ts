/**
 * `dqueue topic add-partitions`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outcomesOf, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { dryRunFlag } from "./dry_run_flag.ts";

/** `topic add-partitions`. */
export const topicAddPartitions = command({
  name: "topic add-partitions",
  summary: "Add partitions to topics",
  description:
    "Existing messages are not moved. New messages with the same key may go to another " +
    "partition, so messages are no longer ordered by key across the change.",
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: {
    to: {
      type: "integer",
      min: 1,
      required: true,
      env: false,
      doc: "New number of partitions of each topic",
    },
    ...dryRunFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [{ doc: "Up to six", command: "dqueue topic add-partitions orders --to 6" }],
  async run(context, { args, flags }) {
    await using client = await connect(context, flags);
    const admin = client.admin();
    const options = { validateOnly: flags.dryRun, signal: context.signal };
    const status = flags.dryRun ? "valid" : "grown";
    const outcomes = await outcomesOf(
      context,
      args.topics,
      status,
      (name) => admin.createPartitions(name, flags.to, options),
    );
    printOutcomes(context, flags.output, outcomes);
  },
});
