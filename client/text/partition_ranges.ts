/**
 * Resolves `--offset` for each partition: looks positions up, and limits them to the partition.
 *
 * @module
 */

import type { Admin, IsolationLevel, OffsetSpec as LookUp } from "../mod.ts";
import type { OffsetPosition, OffsetSpec } from "./offset_spec.ts";

/** Partitions of a topic. */
export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** The range to read of a partition. */
export interface PartitionRange {
  readonly topic: string;
  readonly partition: number;
  /** Log start offset at the time of the lookup. */
  readonly start: number;
  /** Log end offset at the time of the lookup. */
  readonly end: number;
  /** First offset to read, between `start` and `end`. */
  readonly from: number;
  /** End of the range, exclusive; undefined if unlimited. It may be greater than `end`. */
  readonly to: number | undefined;
  /** The requested first offset, if it does not exist. */
  readonly missing: number | undefined;
}

/** How to resolve positions. */
interface RangeOptions {
  readonly isolation?: IsolationLevel;
  readonly signal: AbortSignal;
}

/** Log start and end offset of a partition. */
interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** Resolves the range of each partition. */
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
      // No record is that late.
      return atTime === undefined || atTime < 0 ? end : atTime;
  }
}
