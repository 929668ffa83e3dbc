/**
 * Groups partitions by the broker to send requests to.
 *
 * @module
 */

import type { ClientCore } from "./client_core.ts";
import type { TopicPartition } from "../topic_partition.ts";

/**
 * Groups items by the node id of their partition's leader.
 *
 * @param action The operation, for messages.
 * @throws {KafkaError} If a partition does not exist, or has no leader at the moment.
 */
export async function groupByLeader<T extends TopicPartition>(
  core: ClientCore,
  action: string,
  items: readonly T[],
): Promise<Map<number, T[]>> {
  const topics = new Set(items.map(({ topic }) => topic));
  const unknown = [...topics].filter((topic) => !core.metadata.isFresh(topic));
  if (unknown.length > 0) await core.metadata.refresh(unknown);
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const leader = await core.leader(`${action} of "${item.topic}-${item.partition}"`, item);
    const group = groups.get(leader.id);
    if (group === undefined) groups.set(leader.id, [item]);
    else group.push(item);
  }
  return groups;
}
