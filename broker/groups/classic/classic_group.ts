/**
 * The state of a classic group: members, leader, protocol and generation.
 *
 *     Empty ──────► PreparingRebalance ◄──────┐       members join; others are removed
 *       ▲               │        ▲            │
 *       │               ▼        │            │
 *       └────── CompletingRebalance ───► Stable       the leader assigns; members fetch
 *
 * Every state can change to Dead, when the group is deleted or its coordinator stops. The
 * transitions are in `rebalance.ts` and the files of the requests; this file only holds state, and
 * keeps its counts consistent.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { JoinGroupResponse } from "../../../protocol/messages/groups/join_group.ts";
import { MalformedMessageError } from "../../../protocol/primitives/reader.ts";
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from "../../../protocol/consumer_protocol.ts";
import { type Committer, isAnonymous } from "../committer.ts";
import type { Deadline } from "../deadlines.ts";
import type { Group } from "../group.ts";
import type { GroupRecord } from "../records/group_record.ts";
import type { ClassicMember, ClassicProtocol, RespondToJoin } from "./classic_member.ts";

/** The states of a classic group, as named by DescribeGroups. */
export type ClassicGroupState =
  | "Empty"
  | "PreparingRebalance"
  | "CompletingRebalance"
  | "Stable"
  | "Dead";

const PREVIOUS_STATES: { readonly [S in ClassicGroupState]: readonly ClassicGroupState[] } = {
  Empty: ["PreparingRebalance"],
  PreparingRebalance: ["Stable", "CompletingRebalance", "Empty"],
  CompletingRebalance: ["PreparingRebalance"],
  Stable: ["CompletingRebalance"],
  Dead: ["Stable", "PreparingRebalance", "CompletingRebalance", "Empty", "Dead"],
};

/** A group as stored in its last record. */
export interface ClassicGroupInit {
  readonly groupId: string;
  readonly nowMs: number;
  readonly state?: "Empty" | "Stable";
  readonly generation?: number;
  readonly protocolType?: string | null;
  readonly protocolName?: string | null;
  readonly leaderId?: string | null;
  /** When the group entered its state, −1 if unknown. Default: now. */
  readonly stateTimestampMs?: number;
}

/** A classic group. */
export class ClassicGroup implements Group {
  readonly type = "classic";
  readonly groupId: string;
  /** In the order in which they joined. */
  readonly members: Map<string, ClassicMember> = new Map();
  /** Member ids that were assigned but not used yet (KIP-394), each with its deadline. */
  readonly pendingMembers: Map<string, Deadline> = new Map();
  /** Members of this generation that have not fetched their assignment. */
  readonly pendingSyncs: Set<string> = new Set();
  /** Ends the wait for members to join. */
  joinDeadline: Deadline | undefined;
  /** Ends the wait for members to fetch their assignment. */
  syncDeadline: Deadline | undefined;
  /** The generation whose assignment is being written, −1 if none. */
  storingGeneration = -1;
  /**
   * Whether some partitions may be unassigned. The record of a group that was downgraded from
   * KIP-848 has no leader.
   */
  mustRebalance = false;
  /** When the current rebalance began, by `Clock.monotonic()`; undefined if there is none. */
  rebalanceSinceMs: number | undefined;
  /** Whether a member joined since the initial rebalance was last delayed. */
  hasNewMember = false;
  readonly #memberIdByInstance: Map<string, string> = new Map();
  readonly #supporters: Map<string, number> = new Map();
  #state: ClassicGroupState;
  #previousState: ClassicGroupState = "Dead";
  #stateTimestampMs: number;
  #generation: number;
  #protocolType: string | null;
  #protocolName: string | null;
  #leaderId: string | null;
  #awaitingJoinCount = 0;
  #subscribedTopics: ReadonlySet<string> | undefined;

  constructor(init: ClassicGroupInit) {
    this.groupId = init.groupId;
    this.#state = init.state ?? "Empty";
    this.#generation = init.generation ?? 0;
    this.#protocolType = init.protocolType ?? null;
    this.#protocolName = init.protocolName ?? null;
    this.#leaderId = init.leaderId ?? null;
    this.#stateTimestampMs = init.stateTimestampMs ?? init.nowMs;
  }

  get state(): ClassicGroupState {
    return this.#state;
  }

  get previousState(): ClassicGroupState {
    return this.#previousState;
  }

  /** When the group entered its state, in milliseconds since the epoch; −1 if unknown. */
  get stateTimestampMs(): number {
    return this.#stateTimestampMs;
  }

  get generation(): number {
    return this.#generation;
  }

  /** `null` for a group that only stores offsets. */
  get protocolType(): string | null {
    return this.#protocolType;
  }

  /** The assignor of this generation. */
  get protocolName(): string | null {
    return this.#protocolName;
  }

  get leaderId(): string | null {
    return this.#leaderId;
  }

  get isEmpty(): boolean {
    return this.#state === "Empty";
  }

  get isAbandoned(): boolean {
    return this.isEmpty && this.pendingMembers.size === 0;
  }

  get usesConsumerProtocol(): boolean {
    return this.#protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  /** The topics that members are subscribed to; `undefined` if unknown. */
  get subscribedTopics(): ReadonlySet<string> | undefined {
    return this.#subscribedTopics;
  }

  /** Number of members waiting in JoinGroup. */
  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount;
  }

  get hasAllMembersJoined(): boolean {
    return this.members.size === this.#awaitingJoinCount && this.pendingMembers.size === 0;
  }

  /** The rebalance timeout: the maximum of the members'. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0;
    for (const { rebalanceTimeoutMs } of this.members.values()) {
      if (rebalanceTimeoutMs > longestMs) longestMs = rebalanceTimeoutMs;
    }
    return longestMs;
  }

  get canRebalance(): boolean {
    return PREVIOUS_STATES.PreparingRebalance.includes(this.#state);
  }

  isLeader(memberId: string): boolean {
    return this.#leaderId === memberId;
  }

  /** The member id of an instance id. */
  staticMemberId(instanceId: string): string | undefined {
    return this.#memberIdByInstance.get(instanceId);
  }

  transitionTo(state: ClassicGroupState, nowMs: number): void {
    if (!PREVIOUS_STATES[state].includes(this.#state)) {
      throw new Error(`Cannot move group "${this.groupId}" from ${this.#state} to ${state}`);
    }
    this.#previousState = this.#state;
    this.#state = state;
    this.#stateTimestampMs = nowMs;
  }

  /** Adds a member. It waits in JoinGroup if `respond` is given. */
  add(member: ClassicMember, protocolType: string, respond?: RespondToJoin): void {
    const { memberId, groupInstanceId } = member;
    if (groupInstanceId !== null) this.#memberIdByInstance.set(groupInstanceId, memberId);
    if (this.members.size === 0) this.#protocolType = protocolType;
    this.#leaderId ??= memberId;
    this.members.set(memberId, member);
    this.#countSupport(member.protocols, 1);
    if (respond !== undefined) this.#await(member, respond);
    this.removePending(memberId);
  }

  /** Removes a member, or an unused member id. Its session ends; no response is sent. */
  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) {
      this.members.delete(memberId);
      member.session.cancel();
      this.#countSupport(member.protocols, -1);
      if (member.isAwaitingJoin) this.#awaitingJoinCount--;
      member.respondToJoin = undefined;
      if (member.groupInstanceId !== null) this.#memberIdByInstance.delete(member.groupInstanceId);
    }
    if (this.isLeader(memberId)) this.#leaderId = this.members.keys().next().value ?? null;
    this.removePending(memberId);
    this.pendingSyncs.delete(memberId);
  }

  /** Removes an unused member id. */
  removePending(memberId: string): void {
    this.pendingMembers.get(memberId)?.cancel();
    this.pendingMembers.delete(memberId);
  }

  /** Updates a member from its request. It waits in JoinGroup if `respond` is given. */
  update(
    member: ClassicMember,
    wish: Pick<ClassicMember, "protocols" | "rebalanceTimeoutMs" | "sessionTimeoutMs">,
    respond: RespondToJoin | undefined,
  ): void {
    this.#countSupport(member.protocols, -1);
    member.protocols = wish.protocols;
    this.#countSupport(member.protocols, 1);
    member.rebalanceTimeoutMs = wish.rebalanceTimeoutMs;
    member.sessionTimeoutMs = wish.sessionTimeoutMs;
    this.#await(member, respond);
  }

  /** Replaces a static member by its new instance, which inherits assignment and leadership. */
  replace(old: ClassicMember, next: ClassicMember): void {
    this.members.delete(old.memberId);
    old.session.cancel();
    this.members.set(next.memberId, next);
    if (this.pendingSyncs.delete(old.memberId)) this.pendingSyncs.add(next.memberId);
    if (this.isLeader(old.memberId)) this.#leaderId = next.memberId;
    this.#memberIdByInstance.set(next.groupInstanceId!, next.memberId);
  }

  /** Responds to a waiting JoinGroup. Returns whether there was one. */
  answerJoin(member: ClassicMember, response: JoinGroupResponse): boolean {
    const respond = member.respondToJoin;
    if (respond === undefined) return false;
    this.#await(member, undefined);
    respond(response);
    return true;
  }

  /** Validates a member id and instance id. Returns an error code. */
  validateMember(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId !== null) {
      const current = this.staticMemberId(groupInstanceId);
      if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
  }

  /** Whether a member with these protocols has one in common with all others. */
  supportsProtocols(protocolType: string, names: readonly { readonly name: string }[]): boolean {
    if (this.isEmpty) return protocolType !== "" && names.length > 0;
    return this.#protocolType === protocolType &&
      names.some(({ name }) => (this.#supporters.get(name) ?? 0) === this.members.size);
  }

  /** The protocol with most votes among those that all members support. */
  selectProtocol(): string {
    const candidates = new Set<string>();
    for (const [name, count] of this.#supporters) {
      if (count === this.members.size) candidates.add(name);
    }
    const votes = new Map<string, number>();
    let selected: string | undefined;
    for (const member of this.members.values()) {
      const name = member.vote(candidates);
      if (name !== undefined) votes.set(name, (votes.get(name) ?? 0) + 1);
    }
    for (const [name, count] of votes) {
      if (selected === undefined || count > votes.get(selected)!) selected = name;
    }
    if (selected === undefined) {
      throw new Error(`Cannot select a protocol for group "${this.groupId}": none is shared`);
    }
    return selected;
  }

  /**
   * Makes sure that the leader is among the members that have joined.
   *
   * @returns Whether any member has joined.
   */
  electJoinedLeader(): boolean {
    if (this.#leaderId === null) return false;
    if (this.members.get(this.#leaderId)?.isAwaitingJoin) return true;
    for (const member of this.members.values()) {
      if (!member.isAwaitingJoin) continue;
      this.#leaderId = member.memberId;
      return true;
    }
    return false;
  }

  /** Starts the next generation with the current members. */
  startNextGeneration(nowMs: number): void {
    this.#generation++;
    this.#protocolName = this.members.size > 0 ? this.selectProtocol() : null;
    this.refreshSubscribedTopics();
    this.transitionTo(this.members.size > 0 ? "CompletingRebalance" : "Empty", nowMs);
    this.pendingSyncs.clear();
  }

  /** Updates the subscribed topics from the members' subscriptions. */
  refreshSubscribedTopics(): void {
    this.#subscribedTopics = this.#computeSubscribedTopics();
  }

  #computeSubscribedTopics(): ReadonlySet<string> | undefined {
    if (!this.usesConsumerProtocol) return undefined;
    const topics = new Set<string>();
    if (this.members.size > 0 && this.#protocolName === null) return undefined;
    try {
      for (const member of this.members.values()) {
        const metadata = member.metadata(this.#protocolName!);
        if (metadata === undefined) return undefined;
        for (const topic of subscribedTopics(metadata)) topics.add(topic);
      }
    } catch (error) {
      // The subscription may be in another assignor's own format.
      if (error instanceof MalformedMessageError) return undefined;
      throw error;
    }
    return topics;
  }

  /** Whether offsets of a topic are in use. If the subscriptions are unknown, all are. */
  isSubscribedTo(topic: string): boolean {
    return this.#subscribedTopics?.has(topic) ?? this.usesConsumerProtocol;
  }

  /** Validates a commit, which extends the member's session. */
  validateCommit(committer: Committer): number {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = committer;
    if (this.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (generation < 0 && this.isEmpty) return ErrorCode.NONE;
    if (generation < 0 && isAnonymous(committer)) return ErrorCode.UNKNOWN_MEMBER_ID;
    const invalid = this.validateMember(memberId, groupInstanceId);
    if (invalid !== ErrorCode.NONE) return invalid;
    if (generation !== this.generation) return ErrorCode.ILLEGAL_GENERATION;
    if (this.state === "CompletingRebalance") return ErrorCode.REBALANCE_IN_PROGRESS;
    const member = this.members.get(memberId)!;
    member.session.setIn(member.sessionTimeoutMs);
    return ErrorCode.NONE;
  }

  /** Validates a commit as part of a transaction, which does not extend the member's session. */
  validateTransactionalCommit(committer: Committer): number {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = committer;
    if (this.state === "Dead") return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (generation < 0 && (this.isEmpty || isAnonymous(committer))) return ErrorCode.NONE;
    const invalid = this.validateMember(memberId, groupInstanceId);
    if (invalid !== ErrorCode.NONE) return invalid;
    return generation === this.generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }

  validatePartitionCommit(): number {
    return ErrorCode.NONE;
  }

  validateFetch(): number {
    return ErrorCode.NONE;
  }

  validateOffsetDelete(): number {
    if (this.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
    // The subscriptions of a consumer group are known: offsets of other topics can be deleted.
    return this.isEmpty || this.usesConsumerProtocol ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  validateDelete(): number {
    if (this.state === "Dead") return ErrorCode.GROUP_ID_NOT_FOUND;
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  retentionStart(committedMs: number): number | undefined {
    if (this.protocolType === null) return committedMs;
    if (this.isEmpty) return this.stateTimestampMs === -1 ? committedMs : this.stateTimestampMs;
    // Offsets of subscribed topics are kept; for other topics the last commit counts.
    const knowsTopics = this.usesConsumerProtocol && this.subscribedTopics !== undefined;
    return knowsTopics && this.state === "Stable" ? committedMs : undefined;
  }

  tombstones(): GroupRecord[] {
    return [{ kind: "classicGroup", key: { group: this.groupId }, value: null }];
  }

  topicChanged(): void {}

  shutDown(errorCode: number, nowMs: number): void {
    this.joinDeadline?.cancel();
    this.syncDeadline?.cancel();
    for (const memberId of [...this.pendingMembers.keys()]) this.removePending(memberId);
    for (const member of this.members.values()) {
      member.session.cancel();
      const { memberId } = member;
      this.answerJoin(member, { errorCode, protocolName: null, leader: "", memberId });
      member.answerSync({ errorCode, assignment: new Uint8Array(0) });
    }
    this.transitionTo("Dead", nowMs);
  }

  #await(member: ClassicMember, respond: RespondToJoin | undefined): void {
    this.#awaitingJoinCount += Number(respond !== undefined) - Number(member.isAwaitingJoin);
    member.respondToJoin = respond;
  }

  #countSupport(protocols: readonly ClassicProtocol[], change: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.#supporters.get(name) ?? 0) + change;
      if (count === 0) this.#supporters.delete(name);
      else this.#supporters.set(name, count);
    }
  }
}
