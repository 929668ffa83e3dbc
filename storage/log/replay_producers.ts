/**
 * Brings the state of producers up to an offset, by the batches of a log.
 *
 * @module
 */

import type { ProducerStateManager } from "./producer_state.ts";
import type { Segment } from "../segment/segment.ts";

/**
 * Applies the batches from the producers' end offset up to `endOffset`. They were checked when they
 * were appended; what is damaged since then is left to be found by who reads it. Pauses between
 * batches so that the caller may give way.
 */
export function* replayProducers(
  producers: ProducerStateManager,
  segments: Iterable<Segment>,
  endOffset: number,
): Generator<void, void> {
  const all = Array.from(segments);
  for (const [slot, segment] of all.entries()) {
    const segmentEnd = all[slot + 1]?.baseOffset ?? endOffset;
    if (segmentEnd <= producers.endOffset || segment.baseOffset >= endOffset) continue;
    const position = segment.indexes.offset.lookup(producers.endOffset);
    for (const batches of segment.batchesFrom(position)) {
      if (batches.header.nextOffset > endOffset) break;
      // The first may begin before the log's start, and hold it.
      if (batches.header.nextOffset <= producers.endOffset) continue;
      producers.update(batches.header, () => batches.batch());
      yield;
    }
  }
  producers.advanceTo(endOffset);
}
