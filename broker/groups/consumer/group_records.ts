/**
 * The records of a KIP-848 group; those of member subscriptions and assignments are in
 * `consumer_member.ts`.
 *
 * @module
 */

import type { GroupRecord, RecordOf } from "../records/group_record.ts";
import { type Assignment, topicPartitionsOf } from "./assignment.ts";
import type { ResolvedRegex } from "./resolved_regex.ts";

/** Creates the record of a group's epoch. */
export function epochRecord(
  groupId: string,
  epoch: number,
  metadataHash: number,
): RecordOf<"consumerGroup"> {
  return { kind: "consumerGroup", key: { groupId }, value: { epoch, metadataHash } };
}

/** Creates the record of the target assignment's epoch. */
export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
): RecordOf<"consumerTarget"> {
  return { kind: "consumerTarget", key: { groupId }, value: { assignmentEpoch } };
}

/** Creates the record of a member's target. */
export function targetRecord(
  groupId: string,
  memberId: string,
  target: Assignment,
): RecordOf<"consumerTargetMember"> {
  const value = { topicPartitions: topicPartitionsOf(target) };
  return { kind: "consumerTargetMember", key: { groupId, memberId }, value };
}

/** Creates the record of the topics that match a regular expression. */
export function regexRecord(
  groupId: string,
  regularExpression: string,
  { topics, version, timestampMs }: ResolvedRegex,
): RecordOf<"consumerRegex"> {
  return {
    kind: "consumerRegex",
    key: { groupId, regularExpression },
    value: { topics: [...topics], version, timestamp: timestampMs },
  };
}

/** Creates the tombstone of an unused regular expression. */
export function regexTombstone(
  groupId: string,
  regularExpression: string,
): RecordOf<"consumerRegex"> {
  return { kind: "consumerRegex", key: { groupId, regularExpression }, value: null };
}

/** Creates the tombstones of a member, in Kafka's order. */
export function memberTombstones(groupId: string, memberId: string): GroupRecord[] {
  const key = { groupId, memberId };
  return [
    { kind: "consumerCurrentMember", key, value: null },
    { kind: "consumerTargetMember", key, value: null },
    { kind: "consumerMember", key, value: null },
  ];
}

/** Creates the tombstone of the partition metadata that early versions stored. */
export function partitionsTombstone(groupId: string): RecordOf<"consumerPartitions"> {
  return { kind: "consumerPartitions", key: { groupId }, value: null };
}
