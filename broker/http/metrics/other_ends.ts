/**
 * The ends of partitions that other brokers lead, for the lag of groups that this one coordinates.
 *
 * @module
 */

import type { Admin } from "../../../client/mod.ts";
import type { BrokerContext } from "../../handler.ts";
import type { OtherEnds } from "./group_metrics.ts";

/** How long a scrape waits for other brokers; lag that needs them is left out then. */
const TIMEOUT_MS = 2000;

/** Looks up the ends; resolves to what was found in time. */
export async function lookUpOtherEnds(broker: BrokerContext, admin: Admin): Promise<OtherEnds> {
  const ends = new Map<string, number>();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  await Promise.all(
    Array.from(wantedEnds(broker), async ([topic, wanted]) => {
      const partitions = [...wanted];
      try {
        const options = { partitions, signal, timeoutMs: TIMEOUT_MS };
        for (const { partition, offset } of await admin.listOffsets(topic, "latest", options)) {
          ends.set(`${partition}/${topic}`, offset);
        }
      } catch {
        // Their leader is away, or the topic is gone: the lag is not known.
      }
    }),
  );
  return (topic, partition) => ends.get(`${partition}/${topic}`);
}

/** The partitions that groups have committed offsets of, and this broker does not lead, by topic. */
function wantedEnds({ groups, topics }: BrokerContext): Map<string, Set<number>> {
  const wanted = new Map<string, Set<number>>();
  for (const shard of groups.shards) {
    if (!shard.isActive) continue;
    for (const groupId of shard.offsets.groupIds()) {
      for (const [topic, offsets] of shard.offsets.ofGroup(groupId)!) {
        if (topics.get(topic) === undefined) continue;
        for (const partition of offsets.keys()) {
          if (topics.partition(topic, partition)?.isServed === true) continue;
          let partitions = wanted.get(topic);
          if (partitions === undefined) wanted.set(topic, partitions = new Set());
          partitions.add(partition);
        }
      }
    }
  }
  return wanted;
}

/** Whether any end has to be looked up. */
export function needsOtherEnds(broker: BrokerContext): boolean {
  return broker.cluster.brokers.length > 1 && wantedEnds(broker).size > 0;
}
