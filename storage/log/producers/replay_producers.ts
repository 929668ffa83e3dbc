/**
 * Applies the batches of a log to its producer state, up to an offset.
 *
 * @module
 */

import type { CompletedTransaction, ProducerStateManager } from "./producer_state_manager.ts";
import type { Segment } from "../../segment/segment.ts";

/**
 * Applies the batches from the state's end offset up to `endOffset`. Damaged batches are skipped;
 * reads report them. Yields between batches so that the caller can pause.
 *
 * @param onCompleted Called for each transaction that a marker ended.
 */
export function* replayProducers(
  producers: ProducerStateManager,
  segments: Iterable<Segment>,
  endOffset: number,
  onCompleted?: (transaction: CompletedTransaction) => void,
): Generator<void, void> {
  const all = Array.from(segments);
  for (const [slot, segment] of all.entries()) {
    const segmentEnd = all[slot + 1]?.baseOffset ?? endOffset;
    if (segmentEnd <= producers.endOffset || segment.baseOffset >= endOffset) continue;
    const position = segment.indexes.offset.lookup(producers.endOffset);
    for (const batches of segment.batchesFrom(position)) {
      yield;
      if (batches === undefined) continue;
      if (batches.header.nextOffset > endOffset) break;
      // The first batch may begin before the log start offset.
      if (batches.header.nextOffset <= producers.endOffset) continue;
      const completed = producers.update(batches.header, () => batches.batch());
      if (completed !== undefined) onCompleted?.(completed);
    }
  }
  producers.advanceTo(endOffset);
}
