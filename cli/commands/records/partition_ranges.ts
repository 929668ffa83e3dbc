/**
 * What `--offset` means in each partition: places are looked up, and brought inside the partition.
 *
 * @module
 */

import type { Admin, IsolationLevel, OffsetSpec as LookUp } from "../../../client/mod.ts";
import type { OffsetPosition, OffsetSpec } from "../../records/offset_spec.ts";

/** Partitions of a topic. */
export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** What to read of a partition. */
export interface PartitionRange {
  readonly topic: string;
  readonly partition: number;
  /** The first offset there was when it was looked up. */
  readonly start: number;
  /** The next offset to be written, at that moment. */
  readonly end: number;
  /** The first offset to read, between `start` and `end`. */
  readonly from: number;
  /** Where reading ends; undefined if it does not. It may be ahead of `end`. */
  readonly to: number | undefined;
  /** The offset that was asked for as the first, if there is no such offset. */
  readonly missing: number | undefined;
}

/** How to look places up. */
export interface RangeOptions {
  readonly isolationLevel?: IsolationLevel;
  readonly signal: AbortSignal;
}

/** The first and the next offset of a partition. */
interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** Looks up in each partition where to start and stop. */
export async function partitionRanges(
  admin: Admin,
  topics: readonly TopicPartitions[],
  spec: OffsetSpec,
  options: RangeOptions,
): Promise<PartitionRange[]> {
  const ranges = await Promise.all(topics.map((topic) => topicRanges(admin, topic, spec, options)));
  return ranges.flat();
}

async function topicRanges(
  admin: Admin,
  { topic, partitions }: TopicPartitions,
  { from, to }: OffsetSpec,
  options: RangeOptions,
): Promise<PartitionRange[]> {
  const lookUp = async (at: LookUp) => {
    const found = await admin.listOffsets(topic, at, { ...options, partitions });
    return found.map(({ offset }) => offset);
  };
  const timeOf = (position: OffsetPosition | undefined) =>
    position?.type === "time" ? lookUp({ timestamp: Math.max(0, position.timestamp) }) : undefined;
  const [starts, ends, fromTimes, toTimes] = await Promise.all([
    lookUp("earliest"),
    lookUp("latest"),
    timeOf(from),
    timeOf(to),
  ]);
  return partitions.map((partition, i) => {
    const bounds = { start: starts[i]!, end: ends[i]! };
    const wanted = placeOf(from, bounds, fromTimes?.[i]);
    const first = Math.min(Math.max(wanted, bounds.start), bounds.end);
    return {
      topic,
      partition,
      ...bounds,
      from: first,
      to: to && placeOf(to, bounds, toTimes?.[i]),
      missing: from.type === "offset" && first !== wanted ? wanted : undefined,
    };
  });
}

function placeOf(
  position: OffsetPosition,
  { start, end }: Bounds,
  atTime: number | undefined,
): number {
  switch (position.type) {
    case "start":
      return start + position.plus;
    case "end":
      return Math.max(start, end - position.minus);
    case "offset":
      return position.offset;
    case "time":
      // Nothing is as late as that.
      return atTime === undefined || atTime < 0 ? end : atTime;
  }
}
