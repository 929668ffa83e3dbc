/**
 * Records, offsets and times as people write and read them, for the command line and the HTTP port.
 *
 * `record_json.ts` is the form of `dqueue consume --output json`. `offset_spec.ts` parses `--offset`, and
 * `partition_ranges.ts` looks up what it means in each partition; `duration.ts` parses `1h30m`, and
 * `utf8.ts` tells text from bytes. The SDK itself needs none of it.
 *
 * @module
 */

export * from "./duration.ts";
export * from "./offset_spec.ts";
export { type PartitionRange, partitionRanges, type TopicPartitions } from "./partition_ranges.ts";
export * from "./record_json.ts";
export * from "./utf8.ts";
