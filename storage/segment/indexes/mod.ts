/**
 * The indexes of a segment.
 *
 * `SegmentIndexes` own an `OffsetIndex` and a `TimeIndex`, whose entries are `IndexEntries`: arrays in
 * the format of the files. The `IndexCache` has the indexes of inactive segments.
 *
 * @module
 */

export {};
