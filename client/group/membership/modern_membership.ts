/**
 * Membership in a group of the consumer protocol (KIP-848).
 *
 * The only request is the heartbeat. It reports the partitions this member owns, and its response
 * contains the member epoch and the target assignment. The member revokes partitions that are not
 * in the target and reports that with the next heartbeat; only then does the coordinator assign
 * them to others, and to this member those that others have revoked. Members whose assignment does
 * not change continue to read.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { consumerGroupHeartbeat } from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { backoffMs } from "../../connection/backoff.ts";
import { asDqueueError, type DqueueError, isRetriable, KafkaError } from "../../errors.ts";
import type { Committer } from "../group_offsets.ts";
import { Heartbeater } from "./heartbeater.ts";
import type { TopicPartition } from "../../topic_partition.ts";
import {
  type Membership,
  type MembershipParts,
  placeName,
  programTimeMs,
  without,
} from "./membership.ts";
import { delay } from "../../connection/waiting.ts";
import { requestMs } from "../../connection/timer.ts";

/** The epoch of a member that joins. */
const JOIN_EPOCH = 0;

/** The epoch of a member that leaves. */
const LEAVE_EPOCH = -1;

/** The epoch of a static member that leaves temporarily. */
const LEAVE_STATIC_EPOCH = -2;

/** The target assignment, by topic id. */
type Target = readonly { readonly topicId: string; readonly partitions: readonly number[] }[];

/** A member of a KIP-848 group. */
export class ModernMembership implements Membership {
  readonly #parts: MembershipParts;
  readonly #heartbeater: Heartbeater;
  #memberId = crypto.randomUUID() as string;
  #epoch = JOIN_EPOCH;
  #intervalMs: number;
  #target: Target | undefined;
  /** Aborted with the reason when this member is no longer in the group. */
  #ending = new AbortController();
  /** Called when there is a new target. */
  #onTarget: () => void = () => {};
  /**
   * The partitions last reported to the coordinator; undefined if everything has to be reported.
   */
  #reported: string | undefined;
  /** The topics last reported to the coordinator. */
  #reportedTopics: readonly string[] = [];
  /** The topics it is subscribed to, or may still own partitions of. */
  readonly #names: Set<string>;
  /** Whether the coordinator may know this member. */
  #hasJoined = false;
  #hasMissedBeats = false;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#names = new Set(parts.options.topics);
    this.#intervalMs = parts.options.heartbeatIntervalMs;
    this.#heartbeater = new Heartbeater({
      client: parts.core.options,
      beat: (signal) => this.#beat(signal),
      onRetry: (error) => {
        this.#hasMissedBeats = true;
        this.#onRetry("the coordinator to answer heartbeats", error);
      },
      onFailed: (error) => this.#ending.abort(asDqueueError("stay in the group", error)),
    });
  }

  get committer(): Committer {
    const { groupId, groupInstanceId } = this.#parts.options;
    const generation = this.#epoch > JOIN_EPOCH ? this.#epoch : -1;
    return { groupId, memberId: this.#memberId, generation, groupInstanceId, isModern: true };
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const stop = () => this.#ending.abort(signal.reason);
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        this.#ending = new AbortController();
        this.#parts.observer.onWait("joining", "the coordinator to let this member join");
        this.#target = undefined;
        this.#reported = undefined;
        this.#heartbeater.start(0);
        try {
          for (;;) {
            await this.#nextTarget(this.#ending.signal);
            await this.#reconcile(this.#ending.signal);
            failures = 0;
          }
        } catch (error) {
          if (signal.aborted) break;
          const reason = this.#ending.signal.aborted ? this.#ending.signal.reason : error;
          this.#heartbeater.stop();
          if (!await this.#recover(asDqueueError("stay in the group", reason))) break;
          const { initialBackoffMs, maxBackoffMs } = this.#parts.core.options;
          await delay(backoffMs(++failures, initialBackoffMs, maxBackoffMs), signal)
            .catch(() => {});
        }
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#heartbeater.stop();
    }
  }

  onCommitRefused(error: DqueueError, { generation }: Committer): void {
    if (generation !== this.#epoch) return;
    // A stale epoch is updated by the next heartbeat, which also detects a fenced one.
    if (error.code === "UNKNOWN_MEMBER_ID") this.#ending.abort(error);
    else this.#heartbeater.hurry();
  }

  onTopics(): void {
    for (const name of this.#parts.options.topics) this.#names.add(name);
    this.#heartbeater.hurry();
  }

  async leave(signal: AbortSignal): Promise<void> {
    if (!this.#hasJoined) return;
    this.#hasJoined = false;
    const { groupInstanceId } = this.#parts.options;
    const epoch = groupInstanceId === null ? LEAVE_EPOCH : LEAVE_STATIC_EPOCH;
    this.#epoch = JOIN_EPOCH;
    await this.#request({ memberEpoch: epoch }, signal);
  }

  #onRetry(waitingFor: string, error: unknown): void {
    this.#parts.observer.onWait("retrying", waitingFor, asDqueueError("reach the group", error));
  }

  /** Sends a heartbeat, with the owned partitions if they have changed. */
  async #beat(signal: AbortSignal): Promise<number> {
    const { options, holder, observer } = this.#parts;
    const isJoining = this.#epoch === JOIN_EPOCH;
    const held = holder.partitions;
    const holds = held.map(placeName).sort().join();
    const reported = this.#reported;
    const { topics } = options;
    const isChanged = reported === undefined || topics !== this.#reportedTopics;
    // A lost response may have been the only one with the assignment. Therefore the next heartbeat
    // reports everything, and so does its response.
    this.#reported = undefined;
    this.#hasJoined = true;
    const response = await this.#request({
      memberEpoch: this.#epoch,
      ...(isChanged
        ? {
          rebalanceTimeoutMs: requestMs(options.rebalanceTimeoutMs),
          subscribedTopicNames: topics,
          serverAssignor: options.serverAssignor,
        }
        : {}),
      ...(reported === holds ? {} : { topicPartitions: this.#withIds(isJoining ? [] : held) }),
    }, signal);
    if (response.memberId !== null) this.#memberId = response.memberId;
    this.#epoch = response.memberEpoch;
    this.#intervalMs = response.heartbeatIntervalMs;
    this.#reported = holds;
    this.#reportedTopics = topics;
    if (response.assignment !== null) this.#setTarget(response.assignment.topicPartitions);
    else if (isJoining) this.#setTarget([]);
    if (this.#hasMissedBeats && this.#target === undefined) observer.onSettled();
    this.#hasMissedBeats = false;
    return this.#intervalMs;
  }

  #setTarget(target: Target): void {
    this.#target = target;
    this.#onTarget();
  }

  /** Waits until there are partitions to take or to revoke. */
  #nextTarget(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#target !== undefined) return resolve();
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#onTarget = () => {
        signal.removeEventListener("abort", onAbort);
        this.#onTarget = () => {};
        resolve();
      };
    });
  }

  /** Revokes partitions that are not in the target, reports that, and takes the rest. */
  async #reconcile(signal: AbortSignal): Promise<void> {
    const { holder, observer, options } = this.#parts;
    const target = await this.#withNames(this.#target!, signal);
    this.#target = undefined;
    const surplus = without(holder.partitions, target);
    if (surplus.length > 0) {
      observer.onWait("rebalancing", "the program to finish the messages it has");
      const waitMs = programTimeMs(options.rebalanceTimeoutMs, this.#intervalMs);
      await holder.revoke(surplus, waitMs, signal);
      signal.throwIfAborted();
      this.#heartbeater.hurry();
    }
    const added = without(target, holder.partitions);
    if (added.length > 0) {
      observer.onWait("positioning", "the coordinator to return committed offsets");
      await holder.assign(added, signal);
      signal.throwIfAborted();
      this.#heartbeater.hurry();
    }
    if (this.#target === undefined) observer.onSettled();
  }

  /** Handles an error of the membership. Returns whether to join again. */
  async #recover(error: DqueueError): Promise<boolean> {
    const { holder, observer } = this.#parts;
    if (isRetriable(error)) {
      this.#onRetry("the partitions of this member to be known", error);
    } else {
      const mayRejoin = error.code === "UNKNOWN_MEMBER_ID" ||
        error.code === "FENCED_MEMBER_EPOCH" ||
        error.code === "UNRELEASED_INSTANCE_ID";
      if (!mayRejoin) {
        await holder.lose();
        observer.onFailed(error);
        return false;
      }
      observer.onWait("rebalancing", "partitions to be dropped", error);
    }
    this.#epoch = JOIN_EPOCH;
    await holder.lose();
    return true;
  }

  async #request(
    body: {
      readonly memberEpoch: number;
      readonly rebalanceTimeoutMs?: number;
      readonly subscribedTopicNames?: readonly string[];
      readonly serverAssignor?: string | null;
      readonly topicPartitions?: Target;
    },
    signal: AbortSignal,
  ) {
    const { core, coordinator, lane, options } = this.#parts;
    const { groupId, groupInstanceId: instanceId } = options;
    const response = await coordinator.request(lane, consumerGroupHeartbeat, {
      groupId,
      memberId: this.#memberId,
      instanceId,
      ...body,
    }, { signal, timeoutMs: core.options.requestTimeoutMs });
    if (response.errorCode === ErrorCode.NONE) return response;
    const action = `send a heartbeat to group "${groupId}"`;
    const error = new KafkaError(action, response.errorCode, response.errorMessage);
    coordinator.onError(error);
    throw error;
  }

  /** Groups partitions by topic id; those of deleted topics are omitted. */
  #withIds(partitions: readonly TopicPartition[]): Target {
    const { metadata } = this.#parts.core;
    const byTopic = [...Map.groupBy(partitions, ({ topic }) => topic)];
    return byTopic.flatMap(([topic, group]) => {
      const topicId = metadata.topic(topic)?.id;
      return topicId === undefined ? [] : {
        topicId,
        partitions: group.map(({ partition }) => partition),
      };
    });
  }

  /**
   * Resolves topic ids to names; refreshes the metadata if an id is unknown, as after a topic was
   * created again.
   */
  async #withNames(target: Target, signal: AbortSignal): Promise<TopicPartition[]> {
    const { core } = this.#parts;
    return await core.retry("find the topics of the assignment", { signal }, async () => {
      const names = new Map(
        Array.from(this.#names, (name) => [core.metadata.topic(name)?.id, name]),
      );
      const unknown = target.find(({ topicId }) => !names.has(topicId));
      if (unknown !== undefined) {
        await core.metadata.refresh(this.#names);
        const known = [...this.#names].some((name) =>
          core.metadata.topic(name)?.id === unknown.topicId
        );
        const error = known ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.UNKNOWN_TOPIC_ID;
        throw new KafkaError(`find topic ${unknown.topicId}`, error);
      }
      return target.flatMap(({ topicId, partitions }) =>
        partitions.map((partition) => ({ topic: names.get(topicId)!, partition }))
      );
    });
  }
}
