/**
 * How far a group is behind in each partition that it has committed an offset of.
 *
 * @module
 */

import {
  type CommittedOffset,
  type GroupDescription,
  type GroupMember,
  KafkaError,
} from "../../../client/mod.ts";
import type { Call } from "../rest/call.ts";

/** The lag of a group in one partition. */
export interface GroupLag {
  readonly topic: string;
  readonly partition: number;
  readonly currentOffset: number;
  readonly endOffset: number;
  readonly lag: number;
  /** The member that the partition is assigned to. */
  readonly member: GroupMember | undefined;
}

/** The lags of a group, sorted by topic and partition. */
export async function lagsOf(
  { admin }: Call,
  { groupId, members }: GroupDescription,
): Promise<GroupLag[]> {
  const byTopic = Map.groupBy(await admin.listGroupOffsets(groupId), ({ topic }) => topic);
  const owners = new Map<string, GroupMember>();
  for (const member of members) {
    for (const { topic, partition } of member.assignment) {
      owners.set(`${topic}/${partition}`, member);
    }
  }
  const lags: GroupLag[] = [];
  for (const [topic, committed] of byTopic) {
    const ends = await endsOf(admin, topic, committed);
    for (const { partition, offset } of committed) {
      const endOffset = ends.get(partition);
      if (endOffset === undefined || offset < 0) continue;
      lags.push({
        topic,
        partition,
        currentOffset: offset,
        endOffset,
        lag: Math.max(0, endOffset - offset),
        member: owners.get(`${topic}/${partition}`),
      });
    }
  }
  return lags.sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
  );
}

/** The ends of partitions; none if the topic was deleted. */
async function endsOf(
  admin: Call["admin"],
  topic: string,
  committed: readonly CommittedOffset[],
): Promise<ReadonlyMap<number, number>> {
  try {
    const partitions = committed.map(({ partition }) => partition);
    const ends = await admin.listOffsets(topic, "latest", { partitions });
    return new Map(ends.map(({ partition, offset }) => [partition, offset]));
  } catch (error) {
    if (error instanceof KafkaError && error.code === "UNKNOWN_TOPIC_OR_PARTITION") {
      return new Map();
    }
    throw error;
  }
}
