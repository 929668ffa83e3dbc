/**
 * A partition with several replicas, as what keeps them in sync sees it.
 *
 * @module
 */

import type { PartitionState } from "../cluster/topic_state.ts";
import type { Following } from "./following.ts";
import type { Leadership } from "./leadership.ts";

/** A replica on this broker. */
export interface ReplicatedPartition {
  readonly topicId: string;
  readonly index: number;
  readonly state: PartitionState;
  /** What this broker knows as the leader; undefined if it is not. */
  readonly leadership: Leadership | undefined;
  /** How this broker follows the leader; undefined if it does not. */
  readonly following: Following | undefined;
  /** As `subscribe` of a partition, also for records that are not committed. */
  subscribeReplica(callback: () => void): () => void;
  toString(): string;
}

/** What keeps a replicated partition in sync with its other replicas. */
export interface PartitionReplication {
  /** As of `Clock.monotonic()`. */
  nowMs(): number;
  /** Called after the broker's role in a partition has changed. */
  onRole(partition: ReplicatedPartition): void;
  /** Called when a leader's ISR may have to change. */
  onInSyncDue(partition: ReplicatedPartition): void;
}
