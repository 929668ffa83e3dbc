/**
 * The state of a classic group: its members, who leads, which protocol they share, which generation
 * they are in.
 *
 *     Empty ──────► PreparingRebalance ◄──────┐       members join; those that do not, leave
 *       ▲               │        ▲            │
 *       │               ▼        │            │
 *       └────── CompletingRebalance ───► Stable       the leader assigns; members fetch that
 *
 * Any state may go to Dead, when the group is deleted or its coordinator stops. What moves a group
 * from state to state is in `rebalance.ts` and the files of the requests; here everything is plain
 * state, and every change keeps the counts it goes with.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { JoinGroupResponse } from "../../../protocol/messages/groups/join_group.ts";
import { MalformedMessageError } from "../../../protocol/primitives/reader.ts";
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from "../../../protocol/consumer_protocol.ts";
import type { Deadline } from "../deadlines.ts";
import type { ClassicMember, ClassicProtocol, RespondToJoin } from "./classic_member.ts";

/** The states of a classic group, as DescribeGroups names them. */
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

/** A group as its last record left it. */
export interface ClassicGroupInit {
  readonly groupId: string;
  readonly nowMs: number;
  readonly state?: "Empty" | "Stable";
  readonly generation?: number;
  readonly protocolType?: string | null;
  readonly protocolName?: string | null;
  readonly leaderId?: string | null;
  /** When it came into its state, −1 if not known; default: now. */
  readonly stateTimestampMs?: number;
}

/** One classic group. */
export class ClassicGroup {
  readonly type = "classic";
  readonly groupId: string;
  /** In the order in which they came. */
  readonly members: Map<string, ClassicMember> = new Map();
  /** Members that were given an id and have not joined with it (KIP-394), each until its deadline. */
  readonly pendingMembers: Map<string, Deadline> = new Map();
  /** Members of this generation that have not asked for their assignment. */
  readonly pendingSyncs: Set<string> = new Set();
  /** Ends the wait for members to join; set while that goes on. */
  joinDeadline: Deadline | undefined;
  /** Ends the wait for members to fetch their assignment. */
  syncDeadline: Deadline | undefined;
  /** The generation whose assignment is being written, −1 if none is. */
  storingGeneration = -1;
  /**
   * Whether its members do not hold all there is to hold: the record of such a group, which comes of
   * going back from KIP-848, names no leader.
   */
  mustRebalance = false;
  /** Whether a member came since the initial rebalance was last delayed. */
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

  /** When it came into its state, in milliseconds since the epoch; −1 if not known. */
  get stateTimestampMs(): number {
    return this.#stateTimestampMs;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Null for a group that only keeps offsets. */
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

  get usesConsumerProtocol(): boolean {
    return this.#protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  /** The topics its members read; undefined where only they know. */
  get subscribedTopics(): ReadonlySet<string> | undefined {
    return this.#subscribedTopics;
  }

  /** Members whose JoinGroup waits. */
  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount;
  }

  get hasAllMembersJoined(): boolean {
    return this.members.size === this.#awaitingJoinCount && this.pendingMembers.size === 0;
  }

  /** How long a rebalance waits for its members: as long as the slowest asks for. */
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

  /** The member that goes by an instance id. */
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

  /** Adds a member, whose JoinGroup waits if `respond` is given. */
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

  /** Takes a member out, or one that was only given an id. Its session ends; nobody is answered. */
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

  /** Forgets that an id was given out. */
  removePending(memberId: string): void {
    this.pendingMembers.get(memberId)?.cancel();
    this.pendingMembers.delete(memberId);
  }

  /** Gives a member what it now asks for; its JoinGroup waits if `respond` is given. */
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

  /** Puts a static member's new incarnation in its place, with its assignment and its leadership. */
  replace(old: ClassicMember, next: ClassicMember): void {
    this.members.delete(old.memberId);
    old.session.cancel();
    this.members.set(next.memberId, next);
    if (this.pendingSyncs.delete(old.memberId)) this.pendingSyncs.add(next.memberId);
    if (this.isLeader(old.memberId)) this.#leaderId = next.memberId;
    this.#memberIdByInstance.set(next.groupInstanceId!, next.memberId);
  }

  /** Answers a JoinGroup that waits. Returns whether one did. */
  answerJoin(member: ClassicMember, response: JoinGroupResponse): boolean {
    const respond = member.respondToJoin;
    if (respond === undefined) return false;
    this.#await(member, undefined);
    respond(response);
    return true;
  }

  /** Whether this is a member; if not, the error to tell it. */
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

  /** The protocol that most members vote for among those that all support. */
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
   * Makes sure that the leader is one of those who have joined.
   *
   * @returns Whether anybody has.
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

  /** Starts the next generation of whoever is a member now. */
  startNextGeneration(nowMs: number): void {
    this.#generation++;
    this.#protocolName = this.members.size > 0 ? this.selectProtocol() : null;
    this.refreshSubscribedTopics();
    this.transitionTo(this.members.size > 0 ? "CompletingRebalance" : "Empty", nowMs);
    this.pendingSyncs.clear();
  }

  /** Learns the topics that the members read from their subscriptions. */
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
      // Another program's assignor may use a form of its own. Then only it knows the topics.
      if (error instanceof MalformedMessageError) return undefined;
      throw error;
    }
    return topics;
  }

  /** Whether offsets of a topic are in use. Where only the members know, all of them are. */
  isSubscribedTo(topic: string): boolean {
    return this.#subscribedTopics?.has(topic) ?? this.usesConsumerProtocol;
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
