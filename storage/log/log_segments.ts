/**
 * The segments of a log in the order of their base offsets. There is at least one; the last is
 * active.
 *
 * @module
 */

import type { Segment } from "../segment/segment.ts";

/** A sorted list of segments. */
export class LogSegments implements Iterable<Segment> {
  #segments: Segment[];

  /** @param segments At least one, in order. */
  constructor(segments: readonly Segment[]) {
    this.#segments = segments.slice();
  }

  /** Number of segments. */
  get count(): number {
    return this.#segments.length;
  }

  /** The first segment. */
  get first(): Segment {
    return this.#segments[0]!;
  }

  /** The last segment, which takes appends. */
  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  /** Total size of all segments, in bytes. */
  get sizeInBytes(): number {
    let size = 0;
    for (const segment of this.#segments) size += segment.sizeInBytes;
    return size;
  }

  [Symbol.iterator](): IterableIterator<Segment> {
    return this.#segments.values();
  }

  /** Whether a segment is in the list. */
  has(segment: Segment): boolean {
    return this.#segments.includes(segment);
  }

  at(slot: number): Segment | undefined {
    return this.#segments[slot];
  }

  /** Slot of the last segment that begins at `offset` or before, or -1. */
  floorSlot(offset: number): number {
    let low = -1;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#segments[middle]!.baseOffset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The first segment that begins after `offset`. */
  higher(offset: number): Segment | undefined {
    return this.#segments[this.floorSlot(offset) + 1];
  }

  /** The segments with unsynced writes, in order. They are the last ones. */
  dirty(): Segment[] {
    let first = this.#segments.length;
    while (first > 0 && this.#segments[first - 1]!.isDirty) first--;
    return this.#segments.slice(first);
  }

  /** Adds a segment after all others. */
  push(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Removes and returns the first `count` segments. */
  shift(count: number): Segment[] {
    return this.#segments.splice(0, count);
  }

  /** Removes and returns the segments that begin after `offset`. */
  popAfter(offset: number): Segment[] {
    return this.#segments.splice(this.floorSlot(offset) + 1);
  }

  /** Replaces consecutive segments, which begin where `segment` begins. */
  replace(replaced: readonly Segment[], segment: Segment): void {
    const slot = this.#segments.indexOf(replaced[0]!);
    if (slot < 0 || replaced.some((other, i) => this.#segments[slot + i] !== other)) {
      throw new Error(`Cannot replace segments from offset ${segment.baseOffset} on: they changed`);
    }
    this.#segments.splice(slot, replaced.length, segment);
  }

  /** Replaces all segments by one; returns the replaced ones. */
  replaceAll(segment: Segment): Segment[] {
    const replaced = this.#segments;
    this.#segments = [segment];
    return replaced;
  }
}
