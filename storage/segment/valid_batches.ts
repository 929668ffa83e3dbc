/**
 * Goes along the batches of a segment file that are sound, by their headers as long as these lead from
 * one to the next, and past damage where they do not.
 *
 * @module
 */

import { CorruptRecordError, UnsupportedRecordFormatError } from "../../protocol/records/mod.ts";
import type { BatchScanner } from "./batch_scanner.ts";
import type { BatchWalk } from "./batch_walk.ts";

/**
 * Moves a scanner along the batches, and a walk along those behind damage. Gives whichever it moved,
 * good until the next is asked for.
 *
 * @param scanner Where to begin.
 * @param walkFrom Walks from a position to where the scanner ends.
 * @param nextOffset The lowest offset possible there.
 */
export function* validBatches(
  scanner: BatchScanner,
  walkFrom: (position: number) => BatchWalk,
  nextOffset: number,
): Generator<BatchScanner | BatchWalk, void> {
  const start = scanner.position;
  let last = start - 1;
  try {
    while (scanner.next()) {
      const { baseOffset, lastOffset } = scanner.header;
      if (baseOffset < nextOffset || lastOffset < baseOffset) break;
      last = scanner.position;
      nextOffset = lastOffset + 1;
      yield scanner;
    }
  } catch (error) {
    const isDamage = error instanceof CorruptRecordError ||
      error instanceof UnsupportedRecordFormatError;
    if (!isDamage) throw error;
  }
  if (scanner.isAtEnd) return;
  // The batch that led to where none is may be the damaged one.
  const walk = walkFrom(Math.max(start, last));
  while (walk.next()) {
    if (walk.damage === undefined && walk.position > last) yield walk;
  }
}
