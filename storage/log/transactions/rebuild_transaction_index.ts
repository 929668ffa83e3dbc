/**
 * Rebuilds the transaction index of a segment from the batches: what was open where it begins, from the
 * snapshot of producers before it, and what its markers ended.
 *
 * Entries whose records compaction removed, which no reader needs, are not found again.
 *
 * @module
 */

import type { FileSystem } from "../../file_system/file_system.ts";
import type { Segment } from "../../segment/segment.ts";
import { TransactionIndex } from "../../segment/indexes/transaction_index.ts";
import { ProducerStateManager } from "../producers/producer_state_manager.ts";
import { replayProducers } from "../producers/replay_producers.ts";

/** The log that the segment belongs to. */
export interface IndexedLog {
  readonly fs: FileSystem;
  readonly name: string;
  readonly folder: string;
  /** Offsets of the producer snapshot files. */
  readonly snapshots: readonly number[];
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
}

/** Rebuilds the index of the segment at a slot. Yields between batches so that the caller can pause. */
export function* rebuildTransactionIndex(
  { fs, name, folder, snapshots, segments, logStartOffset, logEndOffset }: IndexedLog,
  slot: number,
): Generator<void, void> {
  const segment = segments[slot]!;
  const { baseOffset, transactions } = segment;
  const endOffset = segments[slot + 1]?.baseOffset ?? logEndOffset;
  const producers = new ProducerStateManager(fs, name, snapshots, Infinity);
  producers.load(folder, Math.min(logStartOffset, baseOffset), baseOffset, -Infinity);
  yield* replayProducers(producers, segments, baseOffset);
  const index = new TransactionIndex(baseOffset);
  yield* replayProducers(producers, [segment], endOffset, (ended) => {
    if (ended.isAborted) index.append(ended);
  });
  transactions.replace(index);
  if (slot < segments.length - 1) transactions.retire();
}
