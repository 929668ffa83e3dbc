/**
 * The range assignor: divides each topic's partitions into one range per member, so that partitions
 * of equal number of different topics go to the same member.
 *
 * @module
 */

import type { Assignor, AssignorGroup, GroupAssignments } from "../assignor.ts";
import type { TopicPartition } from "../../topic_partition.ts";

/** Kafka's `range`. */
export const range: Assignor = { name: "range", assign };

function assign({ members, partitionCounts }: AssignorGroup): GroupAssignments {
  const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
  for (const [topic, count] of partitionCounts) {
    const readers = members.filter(({ topics }) => topics.includes(topic));
    const share = Math.floor(count / readers.length);
    const extra = count % readers.length;
    let partition = 0;
    for (let i = 0; i < readers.length; i++) {
      const end = partition + share + (i < extra ? 1 : 0);
      const mine = assigned.get(readers[i]!.memberId)!;
      while (partition < end) mine.push({ topic, partition: partition++ });
    }
  }
  return assigned;
}
