/**
 * Online conversion of groups from the classic protocol to KIP-848 and back.
 *
 * A classic consumer group becomes a KIP-848 group when the first member with the new protocol
 * joins. Classic members stay with their partitions, and their requests lead them to their new
 * targets. When the last member with the new protocol has left, the group becomes classic again and
 * rebalances.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { MalformedMessageError } from "../../../protocol/primitives/reader.ts";
import { ApiError } from "../../api_error.ts";
import type { ClassicGroup } from "../classic/classic_group.ts";
import { type ClassicMember, NO_ASSIGNMENT } from "../classic/classic_member.ts";
import { startSessions } from "../classic/load.ts";
import {
  CONSUMER_PROTOCOL_TYPE,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  versionOf,
} from "../../../protocol/consumer_protocol.ts";
import type { GroupEnvironment } from "../environment.ts";
import type { GroupShard } from "../group_shard.ts";
import type { GroupTopics } from "../group_topics.ts";
import type { GroupRecord, RecordOf } from "../records/group_record.ts";
import { type Assignment, assignmentOf, type TopicPartitions } from "./assignment.ts";
import { ConsumerGroup } from "./consumer_group.ts";
import {
  type ConsumerMember,
  currentRecord,
  MemberState,
  newMember,
  subscriptionRecord,
} from "./consumer_member.ts";
import { epochRecord, targetEpochRecord, targetRecord } from "./group_records.ts";
import { metadataHash } from "./subscription.ts";

/** A converted group that has not been written yet. */
export interface Upgrade {
  readonly group: ConsumerGroup;
  /** The records of the conversion. */
  readonly records: readonly GroupRecord[];
}

/**
 * Computes the KIP-848 group of a classic group. Changes nothing.
 *
 * @throws {ApiError} GROUP_ID_NOT_FOUND if the group cannot be converted.
 */
export function upgrade(env: GroupEnvironment, classic: ClassicGroup): Upgrade {
  const { groupId, generation } = classic;
  const refuse = (reason: string, cause?: unknown) =>
    new ApiError(
      ErrorCode.GROUP_ID_NOT_FOUND,
      `Cannot upgrade classic group "${groupId}" to KIP-848: ${reason}`,
      { cause },
    );
  const policy = env.config.get("group.consumer.migration.policy");
  if (policy !== "upgrade" && policy !== "bidirectional") {
    throw refuse("the migration policy does not allow it");
  }
  if (!classic.usesConsumerProtocol) throw refuse("its members are not consumers");
  const maxSize = env.config.get("group.consumer.max.size");
  if (classic.members.size > maxSize) {
    throw refuse(`it has ${classic.members.size} members, group.consumer.max.size is ${maxSize}`);
  }
  let members: ConsumerMember[];
  try {
    members = [...classic.members.values()].map((member) => upgradeMember(env, classic, member));
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    throw refuse("its members' metadata cannot be read", error);
  }
  const hash = metadataHash(members, new Map(), env.topics);
  const records = [
    ...members.map((member) => subscriptionRecord(groupId, member)),
    epochRecord(groupId, generation, hash),
    ...members.map(({ memberId, assigned }) => targetRecord(groupId, memberId, assigned)),
    targetEpochRecord(groupId, generation),
    ...members.map((member) => currentRecord(groupId, member)),
  ];
  const group = new ConsumerGroup(groupId);
  for (const record of records) group.apply(record);
  return { group, records: [...classic.tombstones(), ...records] };
}

function upgradeMember(
  env: GroupEnvironment,
  group: ClassicGroup,
  member: ClassicMember,
): ConsumerMember {
  const protocolName = group.protocolName ?? group.selectProtocol();
  const subscription = decodeSubscription(member.metadata(protocolName) ?? NO_ASSIGNMENT);
  const { assignedPartitions, userData } = decodeAssignment(member.assignment);
  if (userData !== null && userData.length > 0) {
    throw new ApiError(
      ErrorCode.GROUP_ID_NOT_FOUND,
      `Cannot upgrade classic group "${group.groupId}" to KIP-848: its assignor uses custom user data`,
    );
  }
  return {
    ...newMember(member.memberId),
    memberEpoch: group.generation,
    previousMemberEpoch: group.generation,
    state: MemberState.stable,
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    subscribedTopicNames: [...new Set(subscription.topics)].sort(),
    classic: { sessionTimeoutMs: member.sessionTimeoutMs, protocols: member.protocols },
    assigned: partitionsByName(assignedPartitions, env.topics),
  };
}

/** Converts partitions by topic name to an assignment, without deleted topics. */
export function partitionsByName(
  partitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  topics: GroupTopics,
): Assignment {
  const byId: TopicPartitions = [];
  for (const { topic, partitions: indexes } of partitions) {
    const id = topics.topic(topic)?.id;
    if (id !== undefined) byId.push({ topicId: id, partitions: [...indexes] });
  }
  return assignmentOf(byId);
}

/** Encodes an assignment for classic members, in the version of their subscription. */
export function classicAssignment(
  { classic }: ConsumerMember,
  assignment: Assignment,
  topics: GroupTopics,
): Uint8Array {
  const byName: { topic: string; partitions: number[] }[] = [];
  for (const [topicId, partitions] of assignment) {
    const topic = topics.topicById(topicId)?.name;
    if (topic !== undefined) byName.push({ topic, partitions: [...partitions] });
  }
  return encodeAssignment(
    { assignedPartitions: byName },
    versionOf(classic!.protocols[0]!.metadata),
  );
}

/** Whether a KIP-848 group with these remaining members becomes a classic one. */
export function mayDowngrade(
  env: GroupEnvironment,
  group: ConsumerGroup,
  remaining: readonly ConsumerMember[],
): boolean {
  if (remaining.length === 0 || remaining.some(({ classic }) => classic === null)) return false;
  const policy = env.config.get("group.consumer.migration.policy");
  if (policy !== "downgrade" && policy !== "bidirectional") return false;
  const maxSize = env.config.get("group.max.size");
  if (remaining.length <= maxSize) return true;
  env.logger.info("Cannot downgrade group to the classic protocol: it has too many members", {
    group: group.groupId,
    members: remaining.length,
    maxSize,
  });
  return false;
}

/** Options of a downgrade. */
export interface DowngradeOptions {
  /** Whether members must rebalance because some partitions are unassigned. */
  readonly mustRebalance: boolean;
  /** The member that replaces another, and the one replaced. */
  readonly joining?: { readonly memberId: string; readonly replacedId: string };
}

/**
 * Converts a KIP-848 group of classic members to a classic group.
 *
 * @returns A promise that resolves when the conversion is durable.
 * @throws {Error} If the write failed; nothing has changed then.
 */
export function downgrade(
  shard: GroupShard,
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
  { mustRebalance, joining }: DowngradeOptions,
): Promise<void> | undefined {
  const env = shard.environment;
  const { groupId } = group;
  const targetOf = (memberId: string) =>
    group.target(memberId === joining?.memberId ? joining.replacedId : memberId);
  const protocol = sharedProtocol(members);
  const record: RecordOf<"classicGroup"> = {
    kind: "classicGroup",
    key: { group: groupId },
    value: {
      protocolType: CONSUMER_PROTOCOL_TYPE,
      generation: group.groupEpoch,
      protocol,
      leader: mustRebalance ? null : members[0]!.memberId,
      currentStateTimestamp: env.clock.now(),
      members: members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.classic!.sessionTimeoutMs,
        subscription: member.classic!.protocols.find(({ name }) => name === protocol)!.metadata,
        assignment: classicAssignment(member, targetOf(member.memberId), env.topics),
      })),
    },
  };
  const durable = shard.commit(groupId, [...group.tombstones(), record], true);
  env.logger.info("Downgraded group to the classic protocol", { group: groupId });
  resume(shard, groupId, members);
  return durable;
}

/** A record has only one protocol per member; the others are still known here. */
function resume(
  shard: GroupShard,
  groupId: string,
  members: readonly ConsumerMember[],
): void {
  const classic = shard.group(groupId);
  if (classic?.type !== "classic") return;
  for (const { memberId, classic: side } of members) {
    const member = classic.members.get(memberId)!;
    classic.update(member, { ...member, protocols: side!.protocols }, undefined);
  }
  startSessions(shard.environment, classic);
}

/** The protocol that all members support and most prefer. */
function sharedProtocol(members: readonly ConsumerMember[]): string {
  const offers = members.map(({ classic }) => classic!.protocols.map(({ name }) => name));
  const shared = offers[0]!.filter((name) => offers.every((names) => names.includes(name)));
  const votes = new Map<string, number>(shared.map((name) => [name, 0]));
  for (const names of offers) {
    const vote = names.find((name) => votes.has(name));
    if (vote !== undefined) votes.set(vote, votes.get(vote)! + 1);
  }
  const [first] = [...votes].sort(([, a], [, b]) => b - a);
  if (first === undefined) throw new Error("Cannot downgrade group: its members share no protocol");
  return first[0];
}
