/**
 * The state of a KIP-848 group, as defined by its records.
 *
 * The group epoch is incremented with every change of members, subscriptions or topics. A target
 * assignment is computed for each epoch. Members move to their targets independently, with their
 * heartbeats: each first revokes partitions that are no longer in its target, and gets only
 * partitions that are free. A partition therefore never has two owners, and unaffected members
 * continue without interruption.
 *
 *     Empty         no members
 *     Assigning     the target is older than the group epoch
 *     Reconciling   some member does not yet hold its target
 *     Stable        all do
 *
 * @module
 */

import { CONSUMER_PROTOCOL_TYPE } from "../../../protocol/consumer_protocol.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { type Committer, isAnonymous } from "../committer.ts";
import type { Deadline } from "../deadlines.ts";
import type { Group } from "../group.ts";
import type { GroupRecord } from "../records/group_record.ts";
import { type Assignment, assignmentOf, NOTHING } from "./assignment.ts";
import {
  type ConsumerMember,
  isReconciled,
  LEAVE_EPOCH,
  newMember,
  withCurrentAssignment,
  withSubscription,
} from "./consumer_member.ts";
import { partitionsTombstone, regexTombstone } from "./group_records.ts";
import type { ResolvedRegex } from "./resolved_regex.ts";

/** The states of a KIP-848 group, as named by ConsumerGroupDescribe. */
export type ConsumerGroupState = "Empty" | "Assigning" | "Reconciling" | "Stable";

/** Deadlines that end a membership. */
export interface MemberDeadlines {
  session?: Deadline;
  /** For revoking partitions. */
  rebalance?: Deadline;
  /** For a classic member to rejoin. */
  join?: Deadline;
  /** For a classic member to fetch its assignment. */
  sync?: Deadline;
}

/** The record kinds of a KIP-848 group. */
export type ConsumerGroupRecord = Extract<GroupRecord, { kind: `consumer${string}` }>;

const NO_EPOCH = -1;
/** Members that use the KIP-848 protocol need a version of OffsetCommit that reports their epoch. */
const FIRST_VERSION_FOR_MEMBERS = 9;

/** A KIP-848 group. */
export class ConsumerGroup implements Group {
  readonly type = "consumer";
  readonly protocolType = CONSUMER_PROTOCOL_TYPE;
  readonly groupId: string;
  readonly members: Map<string, ConsumerMember> = new Map();
  /** Target assignments by member id. */
  readonly targets: Map<string, Assignment> = new Map();
  readonly regexes: Map<string, ResolvedRegex> = new Map();
  /** Number of members that use each regular expression. */
  readonly regexSubscribers: Map<string, number> = new Map();
  readonly deadlines: Map<string, MemberDeadlines> = new Map();
  /** When to check for changed topics without a notification. */
  refreshDueMs = 0;
  readonly #memberIdByInstance: Map<string, string> = new Map();
  readonly #owners: Map<string, Map<number, string>> = new Map();
  #groupEpoch: number;
  #metadataHash = 0;
  #assignmentEpoch = 0;
  #hasPartitionsRecord = false;

  /**
   * @param groupEpoch The last generation of a classic group. Epochs continue from it, so that late
   * requests of classic members are not accepted.
   */
  constructor(groupId: string, groupEpoch = 0) {
    this.groupId = groupId;
    this.#groupEpoch = groupEpoch;
  }

  /** Incremented with changes of members, subscriptions and topics. */
  get groupEpoch(): number {
    return this.#groupEpoch;
  }

  /** A hash of the subscribed topics and their partitions. */
  get metadataHash(): number {
    return this.#metadataHash;
  }

  /** The group epoch of the targets. */
  get assignmentEpoch(): number {
    return this.#assignmentEpoch;
  }

  /** Whether the log has a record of a kind that is no longer written. */
  get hasPartitionsRecord(): boolean {
    return this.#hasPartitionsRecord;
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get isAbandoned(): boolean {
    return this.isEmpty;
  }

  get state(): ConsumerGroupState {
    if (this.isEmpty) return "Empty";
    if (this.#groupEpoch > this.#assignmentEpoch) return "Assigning";
    for (const member of this.members.values()) {
      if (!isReconciled(member, this.#assignmentEpoch)) return "Reconciling";
    }
    return "Stable";
  }

  /** The member with an instance id. */
  staticMember(instanceId: string | null): ConsumerMember | undefined {
    const memberId = instanceId === null ? undefined : this.#memberIdByInstance.get(instanceId);
    return memberId === undefined ? undefined : this.members.get(memberId);
  }

  /** The target assignment of a member. */
  target(memberId: string): Assignment {
    return this.targets.get(memberId) ?? NOTHING;
  }

  /** The member that holds a partition, including during revocation. */
  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  /** Whether a member of the group is subscribed to a topic. */
  isSubscribedTo(topic: string): boolean {
    for (const { subscribedTopicNames } of this.members.values()) {
      if (subscribedTopicNames.includes(topic)) return true;
    }
    for (const { topics } of this.regexes.values()) if (topics.includes(topic)) return true;
    return false;
  }

  validateCommit(committer: Committer, apiVersion: number): number {
    const { memberId, generationIdOrMemberEpoch: epoch } = committer;
    if (epoch < 0 && this.isEmpty) return ErrorCode.NONE;
    const member = this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (member.classic === null && apiVersion < FIRST_VERSION_FOR_MEMBERS) {
      return ErrorCode.UNSUPPORTED_VERSION;
    }
    return validateEpoch(member, epoch);
  }

  validateTransactionalCommit(committer: Committer): number {
    const { memberId, generationIdOrMemberEpoch: epoch } = committer;
    if (epoch < 0 && (this.isEmpty || isAnonymous(committer))) return ErrorCode.NONE;
    const member = this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    // The request has no version with the errors of this protocol.
    return epoch === member.memberEpoch ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }

  /**
   * Validates a member's commit of a partition. A member keeps its epoch while it has more
   * partitions to revoke. Once another member owns the partition, a late commit would undo that
   * one's progress.
   */
  validatePartitionCommit({ memberId }: Committer, topicId: string, partition: number): number {
    const owner = this.ownerOf(topicId, partition);
    if (owner === undefined || owner === memberId) return ErrorCode.NONE;
    const isClassic = (this.members.get(memberId)?.classic ?? null) !== null;
    return isClassic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
  }

  /** Validates fetching offsets. Clients without a member id are accepted. */
  validateFetch(memberId: string | null, epoch: number): number {
    if (memberId === null && epoch < 0) return ErrorCode.NONE;
    const member = this.members.get(memberId ?? "");
    return member === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : validateEpoch(member, epoch);
  }

  validateOffsetDelete(): number {
    return ErrorCode.NONE;
  }

  validateDelete(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  retentionStart(committedMs: number): number {
    return committedMs;
  }

  /** The records that delete the group with all its members. */
  tombstones(): GroupRecord[] {
    const { groupId } = this;
    const keys = [...this.members.keys()].map((memberId) => ({ groupId, memberId }));
    return [
      ...keys.map((key): GroupRecord => ({ kind: "consumerCurrentMember", key, value: null })),
      ...keys.map((key): GroupRecord => ({ kind: "consumerTargetMember", key, value: null })),
      { kind: "consumerTarget", key: { groupId }, value: null },
      ...keys.map((key): GroupRecord => ({ kind: "consumerMember", key, value: null })),
      ...[...this.regexes.keys()].map((regex) => regexTombstone(groupId, regex)),
      partitionsTombstone(groupId),
      { kind: "consumerGroup", key: { groupId }, value: null },
    ];
  }

  /** Members learn of the change with their next heartbeat. */
  topicChanged(topic: string): void {
    if (this.isSubscribedTo(topic)) this.refreshDueMs = 0;
  }

  /** Members that use the classic protocol. */
  get classicMembers(): ConsumerMember[] {
    return [...this.members.values()].filter(({ classic }) => classic !== null);
  }

  /** The deadlines of a member. */
  deadlinesOf(memberId: string): MemberDeadlines {
    let deadlines = this.deadlines.get(memberId);
    if (deadlines === undefined) this.deadlines.set(memberId, deadlines = {});
    return deadlines;
  }

  /** Cancels all deadlines. No request waits in a group of this protocol. */
  shutDown(): void {
    for (const memberId of [...this.deadlines.keys()]) this.#cancelDeadlinesOf(memberId);
  }

  /** Applies a record to the state. */
  apply(record: ConsumerGroupRecord): void {
    switch (record.kind) {
      case "consumerGroup":
        this.#groupEpoch = record.value?.epoch ?? NO_EPOCH;
        this.#metadataHash = record.value?.metadataHash ?? 0;
        return;
      case "consumerPartitions":
        this.#hasPartitionsRecord = record.value !== null;
        return;
      case "consumerMember": {
        const { memberId } = record.key;
        if (record.value === null) return this.#remove(memberId);
        return this.#set(withSubscription(this.#memberOrNew(memberId), record.value));
      }
      case "consumerTarget":
        this.#assignmentEpoch = record.value?.assignmentEpoch ?? NO_EPOCH;
        return;
      case "consumerTargetMember": {
        const { memberId } = record.key;
        if (record.value === null) this.targets.delete(memberId);
        else this.targets.set(memberId, assignmentOf(record.value.topicPartitions));
        return;
      }
      case "consumerCurrentMember":
        return this.#applyCurrent(record);
      case "consumerRegex": {
        const { regularExpression } = record.key;
        if (record.value === null) this.regexes.delete(regularExpression);
        else {
          const { topics, version, timestamp: timestampMs } = record.value;
          this.regexes.set(regularExpression, { topics, version, timestampMs });
        }
        return;
      }
    }
  }

  #applyCurrent(record: Extract<ConsumerGroupRecord, { kind: "consumerCurrentMember" }>): void {
    const { memberId } = record.key;
    if (record.value !== null) {
      return this.#set(withCurrentAssignment(this.#memberOrNew(memberId), record.value));
    }
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.#set({
      ...member,
      memberEpoch: LEAVE_EPOCH,
      previousMemberEpoch: LEAVE_EPOCH,
      assigned: NOTHING,
      pendingRevocation: NOTHING,
    });
  }

  #memberOrNew(memberId: string): ConsumerMember {
    return this.members.get(memberId) ?? newMember(memberId);
  }

  #set(member: ConsumerMember): void {
    const { memberId, instanceId } = member;
    const before = this.members.get(memberId);
    if (before !== undefined) this.#disown(before);
    this.#countRegex(before?.subscribedTopicRegex ?? null, -1);
    this.#countRegex(member.subscribedTopicRegex, 1);
    this.members.set(memberId, member);
    if (instanceId !== null) this.#memberIdByInstance.set(instanceId, memberId);
    for (const held of [member.assigned, member.pendingRevocation]) this.#own(memberId, held);
  }

  #remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.#disown(member);
    this.#countRegex(member.subscribedTopicRegex, -1);
    this.members.delete(memberId);
    const { instanceId } = member;
    if (instanceId !== null && this.#memberIdByInstance.get(instanceId) === memberId) {
      this.#memberIdByInstance.delete(instanceId);
    }
    this.#cancelDeadlinesOf(memberId);
  }

  #countRegex(regex: string | null, change: 1 | -1): void {
    if (regex === null) return;
    const count = (this.regexSubscribers.get(regex) ?? 0) + change;
    if (count === 0) this.regexSubscribers.delete(regex);
    else this.regexSubscribers.set(regex, count);
  }

  #cancelDeadlinesOf(memberId: string): void {
    const deadlines = this.deadlines.get(memberId);
    deadlines?.session?.cancel();
    deadlines?.rebalance?.cancel();
    deadlines?.join?.cancel();
    deadlines?.sync?.cancel();
    this.deadlines.delete(memberId);
  }

  #own(memberId: string, held: Assignment): void {
    for (const [topicId, partitions] of held) {
      let owners = this.#owners.get(topicId);
      if (owners === undefined) this.#owners.set(topicId, owners = new Map());
      for (const partition of partitions) owners.set(partition, memberId);
    }
  }

  #disown({ memberId, assigned, pendingRevocation }: ConsumerMember): void {
    for (const held of [assigned, pendingRevocation]) {
      for (const [topicId, partitions] of held) {
        const owners = this.#owners.get(topicId);
        if (owners === undefined) continue;
        for (const partition of partitions) {
          if (owners.get(partition) === memberId) owners.delete(partition);
        }
        if (owners.size === 0) this.#owners.delete(topicId);
      }
    }
  }
}

function validateEpoch({ memberEpoch, classic }: ConsumerMember, epoch: number): number {
  if (epoch === memberEpoch) return ErrorCode.NONE;
  return classic === null ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.ILLEGAL_GENERATION;
}
