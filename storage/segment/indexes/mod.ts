/**
 * The indexes of a segment.
 *
 * `SegmentIndexes` own an `OffsetIndex` and a `TimeIndex`, whose entries are `IndexEntries`: arrays in
 * the format of the files; `SegmentTransactions` own a `TransactionIndex`, if the segment has aborted
 * transactions. The `IndexCache` has the indexes of inactive segments.
 *
 * @module
 */

export {};
