/**
 * What the cases of clients that ask as much as they may have in common.
 *
 * @module
 */

/** A topic of so many partitions is there, and a group that has committed an offset for each. */
export const HOSTILE_TOPIC = "many-partitions";
/** How many they are. */
export const HOSTILE_PARTITIONS = 10_000;
/** The group, without members. */
export const HOSTILE_GROUP = "many-offsets";

/** A client that asks too much. */
export interface HostileCase {
  readonly name: string;
  /** What it sends; made when it is needed, since it is large. */
  readonly frame: () => Uint8Array<ArrayBuffer>;
  /** How often, one after the other. Default: once. */
  readonly times?: number;
  /** How many connections do so. Default: one. */
  readonly connections?: number;
  /** Whether the answers are taken. Default: true. */
  readonly isTaken?: boolean;
}

/** As many items as a request may reasonably not have. */
export const MANY = 500_000;
/** What requests that have a timeout are given. */
export const TIMEOUT_MS = 30_000;
/** Bytes that are none. */
export const EMPTY = new Uint8Array(0);

/** The same item so many times. */
export function repeat<T>(count: number, item: T): T[] {
  return new Array<T>(count).fill(item);
}

/** So many items, each its own. */
export function each<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
