/**
 * Membership in a group of the classic protocol.
 *
 * All members join and get a generation; one of them, the leader, assigns the partitions; the
 * coordinator sends each member its assignment. From then on the member sends heartbeats, whose
 * responses report when the group rebalances: then it joins again. With a cooperative assignor it
 * keeps its partitions meanwhile, revokes those that are no longer assigned to it, and joins once
 * more so that others get them (KIP-429); otherwise it revokes all partitions before it joins.
 *
 * @module
 */

import {
  type Assignor,
  type AssignorGroup,
  type AssignorMember,
  compareMembers,
  type GroupAssignments,
  type LastAssignment,
} from "../assignor.ts";
import { backoffMs } from "../../connection/backoff.ts";
import {
  type ClassicAccess,
  type ClassicMember,
  requestHeartbeat,
  requestJoin,
  requestLeave,
  requestSync,
} from "./classic_requests.ts";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "./consumer_protocol.ts";
import {
  asDqueueError,
  describeError,
  type DqueueError,
  isRetriable,
  KafkaError,
  ProtocolError,
  UsageError,
} from "../../errors.ts";
import type { Committer } from "../group_offsets.ts";
import { Heartbeater } from "./heartbeater.ts";
import type { TopicPartition } from "../../topic_partition.ts";
import { type Membership, type MembershipParts, programTimeMs, without } from "./membership.ts";
import { TopicWatch } from "../topic_watch.ts";
import { delay } from "../../connection/waiting.ts";
import { ErrorCode } from "../../../protocol/errors.ts";

type Joined = Awaited<ReturnType<typeof requestJoin>>;

/** A member of a classic group. */
export class ClassicMembership implements Membership {
  readonly #parts: MembershipParts;
  readonly #heartbeater: Heartbeater;
  readonly #topicWatch: TopicWatch;
  readonly #isCooperative: boolean;
  #memberId = "";
  #generation = -1;
  /** The last assignment and its generation, for assignors. */
  #last: LastAssignment = { partitions: [], generationId: -1 };
  /** Aborted with the reason when this generation has ended for this member. */
  #ending: AbortController = new AbortController();
  /** Whether the member is joining and ignores requests to rejoin. */
  #isJoining = false;
  #hasMissedBeats = false;
  /** The topics this member has joined with. */
  #joinedTopics: readonly string[] = [];

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    const { core, options } = parts;
    this.#isCooperative = options.assignors.every(({ cooperative }) => cooperative);
    this.#topicWatch = new TopicWatch(core, () => this.#end(rebalance(options.groupId)));
    this.#heartbeater = new Heartbeater({
      client: core.options,
      beat: (signal) => this.#beat(signal),
      onRetry: (error) => {
        this.#hasMissedBeats = true;
        if (!this.#isJoining) this.#onRetry("the coordinator to answer heartbeats", error);
      },
      onFailed: (error) => this.#end(asDqueueError("stay in the group", error)),
    });
  }

  get committer(): Committer {
    return { ...this.#member, isModern: false };
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const stop = () => this.#ending.abort(signal.reason);
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        this.#ending = new AbortController();
        try {
          await this.#join(this.#ending.signal);
          failures = 0;
          await aborted(this.#ending.signal);
        } catch (error) {
          if (signal.aborted) break;
          const reason = this.#ending.signal.aborted ? this.#ending.signal.reason : error;
          if (!await this.#recover(asDqueueError("join the group", reason))) break;
          if (!isRetriable(reason)) continue;
          const { initialBackoffMs, maxBackoffMs } = this.#parts.core.options;
          await delay(backoffMs(++failures, initialBackoffMs, maxBackoffMs), signal)
            .catch(() => {});
        }
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#heartbeater.stop();
      this.#topicWatch.stop();
    }
  }

  onCommitRefused(error: DqueueError, { generation }: Committer): void {
    if (this.#isJoining || generation !== this.#generation) return;
    // The next heartbeat also reports a rebalance in progress, and whether it is still in progress.
    if (error.code === "REBALANCE_IN_PROGRESS") this.#heartbeater.hurry();
    else this.#end(error);
  }

  onTopics(): void {
    // A join in flight is not aborted, since the coordinator would still wait for the member: it
    // joins again afterwards.
    if (!this.#isJoining) this.#end(rebalance(this.#parts.options.groupId));
  }

  async leave(signal: AbortSignal): Promise<void> {
    const member = this.#member;
    this.#memberId = "";
    this.#generation = -1;
    // A static member keeps its place until its session times out (KIP-345).
    if (member.memberId === "" || member.groupInstanceId !== null) return;
    // The lane may have a join in flight, which waits for others.
    const access = { ...this.#access(signal), lane: this.#parts.core.control };
    await requestLeave(access, member, "the consumer leaves the group");
  }

  get #member(): ClassicMember {
    const { groupId, groupInstanceId } = this.#parts.options;
    const generation = this.#generation;
    return { groupId, memberId: this.#memberId, groupInstanceId, generation };
  }

  get #programTimeMs(): number {
    const { rebalanceTimeoutMs, heartbeatIntervalMs } = this.#parts.options;
    return programTimeMs(rebalanceTimeoutMs, heartbeatIntervalMs);
  }

  #access(signal: AbortSignal): ClassicAccess {
    const { core, coordinator, lane } = this.#parts;
    return { core, coordinator, lane, signal };
  }

  /**
   * Ends this generation: everything that depends on it is aborted, and `run()` handles the reason.
   */
  #end(reason: DqueueError): void {
    this.#ending.abort(reason);
  }

  #onRetry(waitingFor: string, error: unknown): void {
    this.#parts.observer.onWait("retrying", waitingFor, asDqueueError("reach the group", error));
  }

  async #beat(signal: AbortSignal): Promise<number> {
    const { options, observer } = this.#parts;
    this.#topicWatch.refresh();
    try {
      await requestHeartbeat(this.#access(signal), this.#member, options.sessionTimeoutMs);
    } catch (error) {
      if (!(error instanceof KafkaError && error.code === "REBALANCE_IN_PROGRESS")) throw error;
      // Heartbeats continue, since the program may take longer than the session timeout to finish
      // its messages.
      if (!this.#isJoining) this.#end(error);
    }
    if (this.#hasMissedBeats && !this.#isJoining) observer.onSettled();
    this.#hasMissedBeats = false;
    return options.heartbeatIntervalMs;
  }

  /** Handles an error of the membership. Returns whether to join again. */
  async #recover(error: DqueueError): Promise<boolean> {
    const { holder, observer } = this.#parts;
    if (error.code === "REBALANCE_IN_PROGRESS") return true;
    if (isRetriable(error)) {
      this.#onRetry("the coordinator to let this member join", error);
      return true;
    }
    this.#heartbeater.stop();
    const mayRejoin = error.code === "UNKNOWN_MEMBER_ID" || error.code === "ILLEGAL_GENERATION";
    if (mayRejoin) observer.onWait("rebalancing", "partitions to be dropped", error);
    if (error.code === "UNKNOWN_MEMBER_ID") this.#memberId = "";
    this.#generation = -1;
    await holder.lose();
    if (!mayRejoin) observer.onFailed(error);
    return mayRejoin;
  }

  /** Joins, gets the assignment and applies it. */
  async #join(signal: AbortSignal): Promise<void> {
    const { options, holder, observer } = this.#parts;
    this.#isJoining = true;
    if (!this.#isCooperative && holder.partitions.length > 0) {
      observer.onWait("rebalancing", "the program to finish the messages it has");
      await holder.revoke(holder.partitions, this.#programTimeMs, signal);
      signal.throwIfAborted();
    }
    this.#heartbeater.stop();
    observer.onWait("joining", "the other members of the group to join");
    const joined = await this.#requestJoin(signal);
    const isLeader = joined.leader === this.#memberId;
    if (!isLeader) this.#topicWatch.stop();
    observer.onWait("joining", "the leader of the group to assign partitions");
    const assignments = isLeader ? await this.#assignAll(joined, signal) : [];
    const bytes = await requestSync(
      this.#access(signal),
      this.#member,
      options.rebalanceTimeoutMs,
      assignments,
      joined.protocolName,
    );
    this.#isJoining = false;
    this.#heartbeater.start(options.heartbeatIntervalMs);
    await this.#apply(decodeAssignment(bytes).partitions, signal);
  }

  async #requestJoin(signal: AbortSignal): Promise<Joined> {
    const { options, holder } = this.#parts;
    const { sessionTimeoutMs, rebalanceTimeoutMs, topics } = options;
    this.#joinedTopics = topics;
    const ownedPartitions = holder.partitions;
    const protocols = options.assignors.map((assignor) => ({
      name: assignor.name,
      metadata: encodeSubscription({
        topics,
        userData: assignor.userData?.(this.#last) ?? null,
        ownedPartitions,
        generationId: ownedPartitions.length > 0 ? this.#last.generationId : -1,
        rackId: null,
      }),
    }));
    const join = { sessionTimeoutMs, rebalanceTimeoutMs, protocols };
    for (;;) {
      const joined = await requestJoin(this.#access(signal), this.#member, join);
      this.#memberId = joined.memberId;
      if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) continue;
      this.#generation = joined.generationId;
      return joined;
    }
  }

  /** Assigns the partitions of all members, as the leader. */
  async #assignAll(
    { members, protocolName, skipAssignment }: Joined,
    signal: AbortSignal,
  ): Promise<{ memberId: string; assignment: Uint8Array }[]> {
    const { core, options } = this.#parts;
    const assignor = options.assignors.find(({ name }) => name === protocolName);
    const subscribed = members.map(({ memberId, groupInstanceId, metadata }): AssignorMember => ({
      memberId,
      groupInstanceId,
      ...decodeSubscription(metadata),
    })).sort(compareMembers);
    const topics = new Set(subscribed.flatMap(({ topics }) => topics));
    await core.retry(
      "describe the topics of the group",
      { signal },
      () => core.metadata.refresh(topics),
    );
    const counts = new Map<string, number>();
    for (const topic of topics) {
      counts.set(topic, core.metadata.topic(topic)?.partitions.length ?? 0);
    }
    this.#topicWatch.watch(counts);
    if (skipAssignment) return [];
    if (assignor === undefined) {
      throw new ProtocolError(
        `Cannot assign partitions: assignor "${protocolName}" is not supported by this member`,
      );
    }
    const partitionCounts = new Map([...counts].filter(([, count]) => count > 0));
    const assigned = assign(assignor, { members: subscribed, partitionCounts });
    return subscribed.map(({ memberId }) => ({
      memberId,
      assignment: encodeAssignment(assigned.get(memberId) ?? []),
    }));
  }

  /** Revokes partitions that are no longer assigned, and takes new ones. */
  async #apply(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    const { holder, observer } = this.#parts;
    const generationId = this.#generation;
    this.#last = { partitions, generationId };
    const surplus = without(holder.partitions, partitions);
    if (surplus.length > 0) {
      observer.onWait("rebalancing", "the program to finish the messages it has");
      // The member joins again after this, so a further rebalance need not interrupt it.
      this.#isJoining = true;
      await holder.revoke(surplus, this.#programTimeMs, signal);
      signal.throwIfAborted();
      this.#isJoining = false;
    }
    observer.onWait("positioning", "the coordinator to return committed offsets");
    await holder.assign(without(partitions, holder.partitions), signal);
    signal.throwIfAborted();
    observer.onSettled();
    // Others wait for the revoked partitions, and get them when this member joins again (KIP-429).
    const { groupId, topics } = this.#parts.options;
    if (surplus.length > 0 || topics !== this.#joinedTopics) this.#end(rebalance(groupId));
  }
}

function assign(assignor: Assignor, group: AssignorGroup): GroupAssignments {
  try {
    return assignor.assign(group);
  } catch (error) {
    throw new UsageError(
      `Cannot assign partitions: assignor "${assignor.name}" has failed: ${describeError(error)}`,
      "Correct the assignor; without an assignment no member of the group can read",
    );
  }
}

/** Why a member rejoins without being asked to. */
function rebalance(groupId: string): KafkaError {
  return new KafkaError(`stay in group "${groupId}"`, ErrorCode.REBALANCE_IN_PROGRESS);
}

/** Rejects with the reason of the signal when it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
