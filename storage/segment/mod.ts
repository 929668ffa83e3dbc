/**
 * One segment of a log: a file of batches from a base offset on, and the indexes beside it.
 *
 * `Segment` appends, reads and finds; `OffsetIndex` and `TimeIndex` (both over `IndexEntries`) find a
 * batch by offset and time, and `IndexCache` bounds the memory of those that are not written to.
 *
 * Ways along the batches of a file, from the cheapest to the most careful:
 *
 * | what           | trusts                              | for                                            |
 * | -------------- | ----------------------------------- | ---------------------------------------------- |
 * | `BatchCursor`  | the memory it is given              | stepping over headers that are in memory       |
 * | `BatchScanner` | each header's size                  | reading a whole file in chunks, up to damage   |
 * | `validBatches` | headers as long as they fit         | finding sound batches after damage too         |
 * | `BatchWalk`    | nothing: CRC of each, once          | serving, verifying, repairing                  |
 *
 * The cleaner's `SegmentChunks` reads what a `BatchWalk` has passed. What is known of a file is its
 * `SegmentIntegrity`; `segment_check.ts` checks all of a file once damage was met. At a clean stop a
 * `segment-checkpoint` notes how the files end, and `segment_comparison.ts` compares them at the next
 * start.
 *
 * @module
 */

export {};
