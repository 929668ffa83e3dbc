/**
 * One segment of a log: a file of batches from a base offset on, and its indexes.
 *
 * `Segment` appends, reads and finds batches; `fittingBatches` selects those that a read returns.
 * Its `SegmentIndexes` own an `OffsetIndex` and a `TimeIndex` (both over `IndexEntries`), which
 * find a batch by offset and by timestamp; `IndexCache` bounds the memory of the indexes of
 * inactive segments.
 *
 * Ways to iterate over batches, from the cheapest to the most careful:
 *
 * | class or function | trusts                           | use                                          |
 * | ----------------- | -------------------------------- | -------------------------------------------- |
 * | `BatchCursor`     | the memory it is given           | stepping over headers in memory              |
 * | `BatchScanner`    | the size in each header          | reading a whole file in chunks, up to damage |
 * | `validBatches`    | headers while they are plausible | also finding valid batches after damage      |
 * | `BatchWalk`       | nothing: checks each CRC, once   | serving, verifying, repairing                |
 *
 * The cleaner's `SegmentChunks` reads batches that a `BatchWalk` has passed. `SegmentIntegrity`
 * records which parts of a file are checked and damaged; `segment_check.ts` checks a whole file
 * once damage is found in it. A clean shutdown records the sizes of all files in
 * `segment-checkpoint`, and `segment_comparison.ts` compares them at the next start.
 *
 * @module
 */

export {};
