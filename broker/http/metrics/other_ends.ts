/**
 * The ends of partitions that other brokers lead, for the lag of groups that this one coordinates.
 *
 * @module
 */

import type { Admin } from "../../../client/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { offsetForLeaderEpoch } from "../../../protocol/messages/records/offset_for_leader_epoch.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import type { BrokerContext } from "../../handler.ts";
import type { Peers } from "../../peers/peers.ts";
import type { OtherEnds } from "./group_metrics.ts";

/** How long a scrape waits for other brokers; lag that needs them is left out then. */
const TIMEOUT_MS = 2000;
/** The version that brokers send. */
const VERSION = 4;

/**
 * Looks up the ends as this broker, which may where nobody else may: those of the logs, which are a little
 * ahead of what consumers can read. Resolves to what was found in time.
 */
export async function askOtherEnds(
  broker: BrokerContext,
  peers: Pick<Peers, "request">,
): Promise<OtherEnds> {
  const { cluster, nodeId: replicaId } = broker;
  const ends = new Map<string, number>();
  await Promise.all(Array.from(wantedByLeader(broker), async ([leaderId, topics]) => {
    const leader = cluster.broker(leaderId);
    if (leader === undefined) return;
    const request = { replicaId, topics };
    try {
      const answer = await peers.request(
        leader,
        offsetForLeaderEpoch,
        VERSION,
        request,
        TIMEOUT_MS,
      );
      for (const { topic, partitions } of answer.topics) {
        for (const { partition, errorCode, endOffset } of partitions) {
          if (errorCode === ErrorCode.NONE) ends.set(`${partition}/${topic}`, endOffset);
        }
      }
    } catch {
      // It is away: the lag is not known.
    }
  }));
  return (topic, partition) => ends.get(`${partition}/${topic}`);
}

type AskedTopic = RequestTo<typeof offsetForLeaderEpoch>["topics"][number];

/** What to ask each leader for. */
function wantedByLeader(broker: BrokerContext): Map<number, AskedTopic[]> {
  const byLeader = new Map<number, AskedTopic[]>();
  for (const [name, wanted] of wantedEnds(broker)) {
    const known = broker.cluster.topic(name)?.partitions ?? [];
    const ofTopic = Map.groupBy(wanted, (partition) => known[partition]?.leaderId ?? -1);
    for (const [leaderId, partitions] of ofTopic) {
      const asked = partitions.map((partition) => (
        { partition, leaderEpoch: known[partition]?.leaderEpoch ?? -1 }
      ));
      let topics = byLeader.get(leaderId);
      if (topics === undefined) byLeader.set(leaderId, topics = []);
      topics.push({ topic: name, partitions: asked });
    }
  }
  return byLeader;
}

/** Looks up the ends as a client; resolves to what was found in time. */
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
