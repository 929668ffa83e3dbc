/**
 * Computes high watermarks: the offset below which records are committed, because every replica
 * that counts has them on disk.
 *
 * @module
 */

import type { PartitionState } from "../cluster/topic_state.ts";

/** What a leader's high watermark depends on. */
export interface CommitView {
  readonly state: Pick<PartitionState, "leaderId" | "isr" | "elr">;
  /**
   * Members of ISRs that the leader has asked for and that the store may have accepted. They count
   * like those of the current one.
   */
  readonly pending: Iterable<number>;
  readonly minInSync: number;
  /** The end of what the leader has on disk. */
  readonly flushedOffset: number;
  /** The end of what a follower has on disk; undefined if unknown in this epoch. */
  endOf(replica: number): number | undefined;
}

/** The new high watermark; `current` if it does not move. */
export function nextHighWatermark(current: number, view: CommitView): number {
  const { state: { leaderId, isr, elr }, pending, minInSync, flushedOffset } = view;
  // Only then everything that commits is on the disks of as many brokers as were asked for, and
  // an eligible replica lacks nothing (KIP-966).
  if (isr.length < minInSync || elr.length > 0) return current;
  let end = flushedOffset;
  for (const members of [isr, pending]) {
    for (const id of members) {
      if (id === leaderId) continue;
      const own = view.endOf(id);
      if (own === undefined) return current;
      if (own < end) end = own;
    }
  }
  return Math.max(current, end);
}

/** A follower's high watermark: the leader's, as far as the follower has it on disk. */
export function followerHighWatermark(
  current: number,
  leaderHighWatermark: number,
  flushedOffset: number,
): number {
  return Math.max(current, Math.min(leaderHighWatermark, flushedOffset));
}
