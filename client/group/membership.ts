/**
 * What a group consumer's membership and its partitions know of each other.
 *
 * A membership (`classic_membership.ts`, `modern_membership.ts`) talks to the coordinator and finds out
 * which partitions this member shall have. A holder (`held_partitions.ts`) has them: it positions, hands
 * out and commits.
 *
 * @module
 */

import type { ClientCore } from "../connection/client_core.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import type { DqueueError } from "../errors.ts";
import type { GroupConsumerState, ResolvedGroupOptions } from "./group_consumer_options.ts";
import type { GroupCoordinator } from "./group_coordinator.ts";
import type { Committer } from "./group_offsets.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** Has the partitions of a member. */
export interface PartitionHolder {
  /** The partitions it has. */
  readonly partitions: readonly TopicPartition[];
  /**
   * Gives partitions up: hands out no more of them, waits until the program is done with what it has,
   * commits, and tells.
   *
   * @param waitMs How long to wait for the program.
   * @param signal Ends that wait.
   */
  revoke(
    partitions: readonly TopicPartition[],
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Drops all partitions, which others may have already. */
  lose(): Promise<void>;
  /**
   * Takes partitions on: looks up where to go on in them, and tells.
   *
   * @param signal Aborted when the assignment does not hold any more; none of it is taken on then.
   */
  assign(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void>;
}

/** Is told how a membership fares. */
export interface MembershipObserver {
  /** It waits for something. */
  onWait(state: GroupConsumerState, waitingFor: string, error?: DqueueError): void;
  /** It has got its partitions, of which there may be none. */
  onSettled(): void;
  /** It was refused for good. */
  onFailed(error: DqueueError): void;
}

/** What a membership works with. */
export interface MembershipParts {
  readonly core: ClientCore;
  readonly options: ResolvedGroupOptions;
  readonly coordinator: GroupCoordinator;
  /** Connections for what waits for other members. */
  readonly lane: ConnectionLane;
  readonly holder: PartitionHolder;
  readonly observer: MembershipObserver;
}

/** A membership in a group. */
export interface Membership {
  /** Who this is to the coordinator, as of now. */
  readonly committer: Committer;
  /** Joins, and stays a member until the signal is aborted or it fails for good. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Takes note that a commit by `committer` was refused, as the group has moved on. */
  onCommitRefused(error: DqueueError, committer: Committer): void;
  /** Takes note that other topics are to be read. */
  onTopics(): void;
  /** Tells the coordinator that this member is gone. Nothing else may be under way. */
  leave(signal: AbortSignal): Promise<void>;
}

/** The part of the rebalance timeout for which the program may go on with the messages it has. */
const SHARE_FOR_PROGRAM = 0.8;

/**
 * How long a member that has just learnt of a rebalance may wait for its program: it may have learnt of it
 * a heartbeat later than it began, and has to join before the time is over.
 */
export function programTimeMs(rebalanceTimeoutMs: number, heartbeatIntervalMs: number): number {
  return Math.max(0, rebalanceTimeoutMs - heartbeatIntervalMs) * SHARE_FOR_PROGRAM;
}

/** The partitions of `some` that are not among `others`. */
export function without(
  some: readonly TopicPartition[],
  others: readonly TopicPartition[],
): TopicPartition[] {
  const excluded = new Set(others.map(placeName));
  return some.filter((place) => !excluded.has(placeName(place)));
}

/** The partition's name, which tells it from all others. */
export function placeName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
