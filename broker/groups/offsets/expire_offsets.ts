/**
 * Finds committed offsets to delete: expired ones, and those of deleted topics. The tombstone of an
 * offset also removes what is pending for its partition.
 *
 * @module
 */

import type { RecordOf } from "../records/group_record.ts";
import { offsetTombstone } from "./commit_offsets.ts";
import type { CommittedOffset, OffsetStore } from "./offset_store.ts";
import type { PendingOffsets } from "./pending_offsets.ts";

/** The retention of a group's offsets. */
export interface Retention {
  readonly nowMs: number;
  readonly retentionMs: number;
  /** Whether offsets of a topic are in use. */
  isSubscribedTo(topic: string): boolean;
  /** The start of an offset's retention period; `undefined` if it does not expire. */
  startOf(committed: CommittedOffset): number | undefined;
}

/** Offsets that are committed, or pending in transactions. */
export interface GroupOffsets {
  readonly offsets: OffsetStore;
  readonly pending: PendingOffsets;
}

/**
 * The tombstones of a group's expired offsets, and whether no offsets remain. Offsets do not expire
 * while a transaction may replace them.
 */
export function expiredOffsets(
  { offsets: store, pending }: GroupOffsets,
  groupId: string,
  retention: Retention,
): { readonly records: RecordOf<"offsetCommit">[]; readonly isAll: boolean } {
  const records: RecordOf<"offsetCommit">[] = [];
  let isAll = pending.ofGroup(groupId) === undefined;
  for (const [topic, partitions] of store.ofGroup(groupId) ?? []) {
    const isInUse = retention.isSubscribedTo(topic);
    for (const [partition, committed] of partitions) {
      const isKept = isInUse || pending.has(groupId, topic, partition);
      if (!isKept && isExpired(committed, retention)) {
        records.push(offsetTombstone(groupId, topic, partition));
      } else isAll = false;
    }
  }
  return { records, isAll };
}

function isExpired(committed: CommittedOffset, retention: Retention): boolean {
  const { nowMs, retentionMs } = retention;
  const startMs = retention.startOf(committed);
  if (startMs === undefined) return false;
  if (committed.expireTimestampMs !== -1) return nowMs >= committed.expireTimestampMs;
  return nowMs - startMs >= retentionMs;
}

/** The tombstones of all offsets of a group. */
export function allOffsetTombstones(
  { offsets, pending }: GroupOffsets,
  groupId: string,
): RecordOf<"offsetCommit">[] {
  const topics = new Set([
    ...offsets.ofGroup(groupId)?.keys() ?? [],
    ...pending.ofGroup(groupId)?.keys() ?? [],
  ]);
  return [...topics].flatMap((topic) => tombstonesOf({ offsets, pending }, groupId, topic));
}

/** The tombstones of all groups' offsets of a deleted topic. */
export function topicTombstones(
  { offsets, pending }: GroupOffsets,
  topic: string,
): RecordOf<"offsetCommit">[] {
  const groupIds = new Set([...offsets.groupIds(), ...pending.groupIds()]);
  return [...groupIds].flatMap((groupId) => tombstonesOf({ offsets, pending }, groupId, topic));
}

function tombstonesOf(
  { offsets, pending }: GroupOffsets,
  groupId: string,
  topic: string,
): RecordOf<"offsetCommit">[] {
  const partitions = new Set([
    ...offsets.ofGroup(groupId)?.get(topic)?.keys() ?? [],
    ...pending.ofGroup(groupId)?.get(topic)?.keys() ?? [],
  ]);
  return Array.from(partitions, (partition) => offsetTombstone(groupId, topic, partition));
}
