/**
 * The type and helpers of hostile cases.
 *
 * @module
 */

/** A topic with many partitions, for each of which a group has committed an offset. */
export const HOSTILE_TOPIC = "many-partitions";
/** The number of its partitions. */
export const HOSTILE_PARTITIONS = 10_000;
/** The group, without members. */
export const HOSTILE_GROUP = "many-offsets";

/** A topic of one partition, whose batches the broker compresses with snappy. */
export const RECOMPRESSED_TOPIC = "recompressed";

/** A case: requests at the limits. */
export interface HostileCase {
  readonly name: string;
  /** Makes the request, only when needed because it is large. */
  readonly frame: () => Uint8Array<ArrayBuffer>;
  /** How often it is sent, one after the other. Default: once. */
  readonly times?: number;
  /** How many connections send it. Default: one. */
  readonly connections?: number;
  /** Whether the answers are read. Default: true. */
  readonly isTaken?: boolean;
}

/** More items than a reasonable request has. */
export const MANY = 500_000;
/** Timeout of requests that have one. */
export const TIMEOUT_MS = 30_000;
/** No bytes. */
export const EMPTY = new Uint8Array(0);

/** Repeats the same item. */
export function repeat<T>(count: number, item: T): T[] {
  return new Array<T>(count).fill(item);
}

/** Makes distinct items. */
export function each<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
