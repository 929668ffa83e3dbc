/**
 * Says which replicas are copied at a limited rate (KIP-73).
 *
 * @module
 */

import type { PartitionState } from "../cluster/topic_state.ts";
import type { TopicConfig } from "./topic_config.ts";

/** Whether a broker makes its copy for a reassignment, and the topic's settings of a side list it. */
export function isThrottled(
  side: "leader" | "follower",
  nodeId: number,
  index: number,
  { adding, leaderId }: PartitionState,
  config: TopicConfig,
): boolean {
  if (!adding.includes(nodeId)) return false;
  const listed = config.get(`${side}.replication.throttled.replicas`);
  const broker = side === "leader" ? leaderId : nodeId;
  return listed.includes("*") || listed.includes(`${index}:${broker}`);
}
