/**
 * Iterates over the valid batches of a segment file: by their headers while these lead from one to
 * the next, and past damage where they do not.
 *
 * @module
 */

import { CorruptRecordError, UnsupportedRecordFormatError } from "../../protocol/records/mod.ts";
import type { BatchScanner } from "./batch_scanner.ts";
import type { BatchWalk } from "./batch_walk.ts";

/**
 * Moves a scanner along the batches, and a walk along those after damage. Yields the one it moved,
 * which is valid until the next step, and `undefined` during the search for the end of damage.
 *
 * @param scanner At the start position.
 * @param walkFrom Returns a walk from a position to the end of the scanner.
 * @param nextOffset The lowest possible offset at the start.
 */
export function* validBatches(
  scanner: BatchScanner,
  walkFrom: (position: number) => BatchWalk,
  nextOffset: number,
): Generator<BatchScanner | BatchWalk | undefined, void> {
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
  // The damage may be in the batch before, whose size led here.
  const walk = walkFrom(Math.max(start, last));
  while (yield* walk.steps()) {
    if (walk.damage === undefined && walk.position > last) yield walk;
  }
}
