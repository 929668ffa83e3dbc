/**
 * `dqueue cluster set-replicas`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { selectTopics } from "../topic/topic_names.ts";
import { placementView, planFlags, showAndExecute } from "./replicas/replica_plan.ts";
import { planReplicaCount } from "./replicas/replica_placement.ts";

/** `cluster set-replicas`. */
export const clusterSetReplicas = command({
  name: "cluster set-replicas",
  summary: "Change the number of replicas of a topic",
  description:
    `Shows the brokers that would get and lose replicas; nothing is changed without --execute. New ` +
    `replicas go to other racks, then to the brokers with the fewest.`,
  args: {
    topic: { doc: "Name of the topic; __consumer_offsets is one" },
    count: { doc: "Replicas of each partition", type: "integer", min: 1 },
  },
  flags: { ...planFlags, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "What would be done", command: "dqueue cluster set-replicas orders 3" },
    {
      doc: "Do it, and wait until the records are copied",
      command: "dqueue cluster set-replicas orders 3 --execute --wait",
    },
  ],
  async run(context, { args: { topic, count }, flags }) {
    await using client = await connect(context, flags);
    const admin = client.admin();
    await selectTopics(context, admin, { names: [topic], isRegex: false, internal: true });
    const view = await placementView(context, admin);
    const topics = view.topics.filter(({ name }) => name === topic);
    const moves = planReplicaCount(view, topics, count);
    const nothing = `Topic "${topic}" has ${count} replica${count === 1 ? "" : "s"} already`;
    await showAndExecute(context, admin, moves, flags, nothing);
  },
});
