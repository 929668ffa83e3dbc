/**
 * `dqueue topic add-partitions`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outcomesOf, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";

/** `topic add-partitions`. */
export const topicAddPartitions = command({
  name: "topic add-partitions",
  summary: "Add partitions to topics",
  description:
    "Messages that are there stay where they are. New ones with the same key may go to " +
    "another partition from then on, so their order is no longer that of the key.",
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: {
    to: {
      type: "integer",
      min: 1,
      required: true,
      env: false,
      doc: "Partitions that each topic has in the end",
    },
    dryRun: { type: "boolean", env: false, doc: "Have the broker check it, and do nothing" },
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
