/**
 * The interfaces between a group consumer's membership and its partitions.
 *
 * A membership (`classic_membership.ts`, `modern_membership.ts`) talks to the coordinator and
 * learns which partitions are assigned to this member. A holder (`partition_handover.ts`) takes
 * and revokes them.
 *
 * @module
 */

import type { ClientCore } from "../../connection/client_core.ts";
import type { ConnectionLane } from "../../connection/connection_lane.ts";
import type { DqueueError } from "../../errors.ts";
import type { GroupConsumerState, ResolvedGroupOptions } from "../group_consumer_options.ts";
import type { Coordinator } from "../../connection/coordinator.ts";
import type { Committer } from "../group_offsets.ts";
import type { TopicPartition } from "../../topic_partition.ts";

/** Holds the partitions of a member. */
export interface PartitionHolder {
  /** The assigned partitions. */
  readonly partitions: readonly TopicPartition[];
  /**
   * Revokes partitions: withholds their messages, waits until the program has processed those it
   * was given, commits, and notifies the program.
   *
   * @param waitMs How long to wait for the program.
   * @param signal Ends that wait.
   */
  revoke(
    partitions: readonly TopicPartition[],
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Drops all partitions, which others may already own. */
  lose(): Promise<void>;
  /**
   * Takes partitions: looks up their positions, and notifies the program.
   *
   * @param signal Aborted when the assignment becomes invalid; then none of it is taken.
   */
  assign(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void>;
}

/** Receives the progress of a membership. */
export interface MembershipObserver {
  /** Called when it waits for something. */
  onWait(state: GroupConsumerState, waitingFor: string, error?: DqueueError): void;
  /** Called when it has its partitions, which may be none. */
  onSettled(): void;
  /** Called when it was refused permanently. */
  onFailed(error: DqueueError): void;
}

/** The parts that a membership depends on. */
export interface MembershipParts {
  readonly core: ClientCore;
  readonly options: ResolvedGroupOptions;
  readonly coordinator: Coordinator;
  /** Connections for requests that wait for other members. */
  readonly lane: ConnectionLane;
  readonly holder: PartitionHolder;
  readonly observer: MembershipObserver;
}

/** A membership in a group. */
export interface Membership {
  /** The current identity at the coordinator. */
  readonly committer: Committer;
  /**
   * Joins, and remains a member until the signal is aborted or it fails permanently. Never rejects.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Handles a commit by `committer` that was refused because the group has moved on. */
  onCommitRefused(error: DqueueError, committer: Committer): void;
  /** Handles a change of the subscription. */
  onTopics(): void;
  /** Tells the coordinator that this member leaves. Nothing else may be in progress. */
  leave(signal: AbortSignal): Promise<void>;
}

/** The share of the rebalance timeout that the program has to process its messages. */
const SHARE_FOR_PROGRAM = 0.8;

/**
 * How long a member may wait for its program when a rebalance begins: it may have learned of it up
 * to a heartbeat late, and has to join in time.
 */
export function programTimeMs(rebalanceTimeoutMs: number, heartbeatIntervalMs: number): number {
  return Math.max(0, rebalanceTimeoutMs - heartbeatIntervalMs) * SHARE_FOR_PROGRAM;
}

/** The partitions of `some` that are not in `others`. */
export function without(
  some: readonly TopicPartition[],
  others: readonly TopicPartition[],
): TopicPartition[] {
  const excluded = new Set(others.map(placeName));
  return some.filter((place) => !excluded.has(placeName(place)));
}

/** A key that identifies a partition. */
export function placeName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
