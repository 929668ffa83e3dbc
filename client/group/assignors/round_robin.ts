/**
 * The round-robin assignor: assigns the partitions of all topics to the members in turn.
 *
 * @module
 */

import {
  allPartitions,
  type Assignor,
  type AssignorGroup,
  type GroupAssignments,
} from "../assignor.ts";
import type { TopicPartition } from "../../topic_partition.ts";

/** Kafka's `roundrobin`. */
export const roundRobin: Assignor = { name: "roundrobin", assign };

/**
 * The assignor as kafkajs names it; its encodings are those of the consumer protocol's version 0.
 */
export const kafkajsRoundRobin: Assignor = { name: "RoundRobinAssigner", assign };

function assign(group: AssignorGroup): GroupAssignments {
  const { members } = group;
  const topics = members.map((member) => new Set(member.topics));
  const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
  let turn = 0;
  for (const place of allPartitions(group)) {
    while (!topics[turn]!.has(place.topic)) turn = (turn + 1) % members.length;
    assigned.get(members[turn]!.memberId)!.push(place);
    turn = (turn + 1) % members.length;
  }
  return assigned;
}
