/**
 * Finds committed offsets to delete: expired ones, and those of deleted topics.
 *
 * @module
 */

import type { RecordOf } from "../records/group_record.ts";
import { offsetTombstone } from "./commit_offsets.ts";
import type { CommittedOffset, OffsetStore } from "./offset_store.ts";

/** The retention of a group's offsets. */
export interface Retention {
  readonly nowMs: number;
  readonly retentionMs: number;
  /** Whether offsets of a topic are in use. */
  isSubscribedTo(topic: string): boolean;
  /** The start of an offset's retention period; `undefined` if it does not expire. */
  startOf(committed: CommittedOffset): number | undefined;
}

/** The tombstones of a group's expired offsets, and whether no offsets remain. */
export function expiredOffsets(
  store: OffsetStore,
  groupId: string,
  retention: Retention,
): { readonly records: RecordOf<"offsetCommit">[]; readonly isAll: boolean } {
  const records: RecordOf<"offsetCommit">[] = [];
  let isAll = true;
  for (const [topic, partitions] of store.ofGroup(groupId) ?? []) {
    const isInUse = retention.isSubscribedTo(topic);
    for (const [partition, committed] of partitions) {
      if (!isInUse && isExpired(committed, retention)) {
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
  store: OffsetStore,
  groupId: string,
): RecordOf<"offsetCommit">[] {
  const records: RecordOf<"offsetCommit">[] = [];
  for (const [topic, partitions] of store.ofGroup(groupId) ?? []) {
    for (const partition of partitions.keys()) {
      records.push(offsetTombstone(groupId, topic, partition));
    }
  }
  return records;
}

/** The tombstones of all groups' offsets of a deleted topic. */
export function topicTombstones(store: OffsetStore, topic: string): RecordOf<"offsetCommit">[] {
  const records: RecordOf<"offsetCommit">[] = [];
  for (const groupId of store.groupIds()) {
    for (const partition of store.ofGroup(groupId)?.get(topic)?.keys() ?? []) {
      records.push(offsetTombstone(groupId, topic, partition));
    }
  }
  return records;
}
