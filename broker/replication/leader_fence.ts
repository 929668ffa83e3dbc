/**
 * Whether this broker may go on as a leader, of which it is sure only while the metadata store answers.
 *
 * Without the store it is past its deadline after a while, and another broker may have been elected. But
 * without loss only a member of the ISR, the ELR or an ISR that was asked for can be, and such a one stops
 * following before it leads. So while each of them follows this broker, in the epoch of the partition,
 * nobody else leads: the partition is served on however long the store is away. What changes metadata has
 * to wait, and the ISR stands still.
 *
 * @module
 */

import type { ReplicatedPartition } from "../roles/replicated_partition.ts";
import type { Clock } from "../time/clock.ts";
import type { Fence } from "../topics/partition_options.ts";
import type { ReplicaSessions } from "./replica_sessions.ts";

/** What a fence depends on. */
export interface LeaderFenceOptions {
  /** Says whether the store has not answered for too long. */
  readonly cluster: { readonly isFenced: boolean };
  readonly sessions: ReplicaSessions;
  readonly clock: Clock;
}

/**
 * Time for which a proof that a follower follows counts: so long may another leader and this one both
 * answer, this one with what it had.
 */
export const FOLLOWED_MS = 1250;

/** The fence of one broker. */
export class LeaderFence implements Fence {
  readonly #options: LeaderFenceOptions;

  constructor(options: LeaderFenceOptions) {
    this.#options = options;
  }

  get isFenced(): boolean {
    return this.#options.cluster.isFenced;
  }

  isFollowed(
    { topicId, index, state, leadership }: ReplicatedPartition,
    sinceMs: number = this.#options.clock.monotonic() - FOLLOWED_MS,
  ): boolean {
    // The only replica has no successor.
    if (leadership === undefined) return true;
    const { sessions } = this.#options;
    for (const id of leadership.successors) {
      const untilMs = sessions.of(id)?.followedUntilMs(topicId, index, state.leaderEpoch);
      if (untilMs === undefined || untilMs < sinceMs) return false;
    }
    return true;
  }
}
