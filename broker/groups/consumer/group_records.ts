/**
 * The records of a KIP-848 group; those of its members' subscriptions and partitions are in
 * `consumer_member.ts`.
 *
 * @module
 */

import type { GroupRecord, RecordOf } from "../records/group_record.ts";
import { type Assignment, topicPartitionsOf } from "./assignment.ts";
import type { ConsumerGroup, ResolvedRegex } from "./consumer_group.ts";

/** The record of a group's epoch. */
export function epochRecord(
  groupId: string,
  epoch: number,
  metadataHash: number,
): RecordOf<"consumerGroup"> {
  return { kind: "consumerGroup", key: { groupId }, value: { epoch, metadataHash } };
}

/** The record of the epoch that the target assignment is for. */
export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
): RecordOf<"consumerTarget"> {
  return { kind: "consumerTarget", key: { groupId }, value: { assignmentEpoch } };
}

/** The record of what a member shall hold. */
export function targetRecord(
  groupId: string,
  memberId: string,
  target: Assignment,
): RecordOf<"consumerTargetMember"> {
  const value = { topicPartitions: topicPartitionsOf(target) };
  return { kind: "consumerTargetMember", key: { groupId, memberId }, value };
}

/** The record of the topics that a regular expression matches. */
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

/** The record that nobody uses a regular expression any more. */
export function regexTombstone(
  groupId: string,
  regularExpression: string,
): RecordOf<"consumerRegex"> {
  return { kind: "consumerRegex", key: { groupId, regularExpression }, value: null };
}

/** The records that a member is gone, in the order in which Kafka takes them. */
export function memberTombstones(groupId: string, memberId: string): GroupRecord[] {
  const key = { groupId, memberId };
  return [
    { kind: "consumerCurrentMember", key, value: null },
    { kind: "consumerTargetMember", key, value: null },
    { kind: "consumerMember", key, value: null },
  ];
}

/** The record that drops what early versions kept of the topics' partitions. */
export function partitionsTombstone(groupId: string): RecordOf<"consumerPartitions"> {
  return { kind: "consumerPartitions", key: { groupId }, value: null };
}

/** The records that a group is gone, with all its members. */
export function groupTombstones(group: ConsumerGroup): GroupRecord[] {
  const { groupId } = group;
  const keys = [...group.members.keys()].map((memberId) => ({ groupId, memberId }));
  return [
    ...keys.map((key): GroupRecord => ({ kind: "consumerCurrentMember", key, value: null })),
    ...keys.map((key): GroupRecord => ({ kind: "consumerTargetMember", key, value: null })),
    { kind: "consumerTarget", key: { groupId }, value: null },
    ...keys.map((key): GroupRecord => ({ kind: "consumerMember", key, value: null })),
    ...[...group.regexes.keys()].map((regex) => regexTombstone(groupId, regex)),
    partitionsTombstone(groupId),
    { kind: "consumerGroup", key: { groupId }, value: null },
  ];
}
