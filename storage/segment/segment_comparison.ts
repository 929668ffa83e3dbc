/**
 * Holds the files of a log that was closed in good order against what it had then, before it is opened.
 *
 * In the place of batches that are gone something is put that readers take for damage
 * (`lost_records.ts`), so that a log always has all its segments, and ends where it ended. Indexes
 * that are not as they were are removed, to be made again from the batches. Segments that were not
 * there are kept aside. After a crash on the way the rest is done by recovery.
 *
 * @module
 */

import { BatchWalk } from "./batch_walk.ts";
import { appendFullySync, type FileSystem } from "../file_system/file_system.ts";
import { type LogLoss, lostRecords } from "./lost_records.ts";
import type { ClosedSegment } from "./segment_checkpoint.ts";
import { Segment, type SegmentContext } from "./segment.ts";
import {
  CORRUPT_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetOf,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
} from "./segment_file_name.ts";
import { TimeSlice } from "../time_slice.ts";

/** What is appended to the name of a segment's file that was not there when the log was closed. */
export const STRAY_SUFFIX = ".stray";

const COPY_BYTES = 1 << 20;

/** What it takes to compare. */
export interface ComparisonOptions {
  readonly context: SegmentContext;
  readonly folder: string;
  /** Names of the files that are in the folder. */
  readonly names: ReadonlySet<string>;
  /** What there was, in order. */
  readonly closed: readonly ClosedSegment[];
  readonly logStartOffset: number;
  readonly nowMs: number;
}

/** What came of it. */
export interface Comparison {
  /** What was found, in the order of the segments. */
  readonly losses: readonly LogLoss[];
  /** Whether files were changed. */
  readonly isChanged: boolean;
  /** Whether a file has more than it had, so that the log has to be checked as after a crash. */
  readonly hasMore: boolean;
}

/** Compares the files of one log, and puts something in the place of what is lost. */
export async function compareSegments(options: ComparisonOptions): Promise<Comparison> {
  const comparer = new SegmentComparer(options);
  await comparer.compare();
  return comparer;
}

class SegmentComparer implements Comparison {
  readonly losses: LogLoss[] = [];
  /** How many files that follow each other are missing, up to the last loss. */
  #missingCount = 0;
  isChanged = false;
  hasMore = false;
  readonly #options: ComparisonOptions;
  readonly #fs: FileSystem;
  readonly #slice = new TimeSlice();

  constructor(options: ComparisonOptions) {
    this.#options = options;
    this.#fs = options.context.fs;
  }

  async compare(): Promise<void> {
    const { closed, folder, logStartOffset } = this.#options;
    const sizes = closed.map((segment) => this.#sizeOf(segment, LOG_SUFFIX));
    this.hasMore = closed.some(({ sizeInBytes }, slot) => (sizes[slot] ?? 0) > sizeInBytes);
    // With a file that has more, others may have been put back that were lost before.
    if (!this.hasMore) this.#setStraysAside();
    for (const [slot, segment] of closed.entries()) {
      const size = sizes[slot];
      // Of a segment whose records are deleted nothing is missed.
      if (size === undefined && segment.endOffset <= logStartOffset) continue;
      if (size !== undefined) this.#missingCount = 0;
      if (size === undefined || size < segment.sizeInBytes) await this.#fill(segment, size);
      else if (size > segment.sizeInBytes) {
        this.#report(segment, `it has ${size} bytes, ${segment.sizeInBytes} at the last stop`);
      } else this.#compareIndexes(segment);
      if (this.#slice.isOver) await this.#slice.pause();
    }
    if (this.isChanged) await this.#fs.syncDir(folder);
  }

  #setStraysAside(): void {
    const { names, closed, folder } = this.#options;
    const known = new Set(closed.map(({ baseOffset }) => fileNameOf(baseOffset, LOG_SUFFIX)));
    for (const name of names) {
      const baseOffset = offsetOf(name, LOG_SUFFIX);
      if (baseOffset === undefined || known.has(name)) continue;
      for (const suffix of SEGMENT_SUFFIXES) {
        const path = `${folder}/${fileNameOf(baseOffset, suffix)}`;
        if (this.#fs.statSync(path) === undefined) continue;
        this.#fs.renameSync(path, `${path}${STRAY_SUFFIX}`);
      }
      this.isChanged = true;
      this.losses.push({
        path: `${folder}/${name}`,
        problem: `the file was not there at the last stop; it is now ${name}${STRAY_SUFFIX}`,
        firstOffset: baseOffset,
        nextOffset: baseOffset,
      });
    }
  }

  #compareIndexes(segment: ClosedSegment): void {
    const indexes = [
      [OFFSET_INDEX_SUFFIX, segment.offsetIndexSize],
      [TIME_INDEX_SUFFIX, segment.timeIndexSize],
    ] as const;
    const wrong = indexes.filter(([suffix, size]) => (this.#sizeOf(segment, suffix) ?? 0) !== size);
    if (wrong.length === 0) return;
    for (const [suffix] of indexes) this.#fs.removeSync(this.#pathOf(segment, suffix));
    this.isChanged = true;
    const names = wrong.map(([suffix]) => fileNameOf(segment.baseOffset, suffix)).join(" and ");
    this.#report(segment, `${names} is missing or cut; the indexes are made again`);
  }

  /** Puts something in the place of what a file has lost. */
  async #fill(closed: ClosedSegment, size: number | undefined): Promise<void> {
    const { context, folder, nowMs, logStartOffset } = this.#options;
    const { baseOffset, endOffset, sizeInBytes } = closed;
    for (const suffix of [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX]) {
      this.#fs.removeSync(this.#pathOf(closed, suffix));
    }
    const segment = new Segment(context, folder, baseOffset, size, nowMs);
    this.isChanged = true;
    try {
      const { position, nextOffset: firstOffset } = await this.#endOf(segment, endOffset);
      if (position < segment.sizeInBytes) this.#cutOff(segment, position);
      if (firstOffset < endOffset) segment.write(lostRecords(firstOffset, endOffset));
      else segment.createFile();
      await segment.sync();
      const isLost = endOffset > logStartOffset;
      const loss = {
        path: segment.path,
        problem: `the file has ${size} bytes, ${sizeInBytes} at the last stop`,
        firstOffset: isLost ? Math.max(firstOffset, logStartOffset) : endOffset,
        nextOffset: endOffset,
      };
      if (size === undefined) this.#reportMissing(loss);
      else this.losses.push(loss);
    } finally {
      segment.close();
    }
  }

  /** Tells of a missing file, together with those before it that are missing too. */
  #reportMissing(loss: LogLoss): void {
    const last = this.losses.at(-1);
    const follows = this.#missingCount > 0 && last!.nextOffset === loss.firstOffset;
    this.#missingCount = follows ? this.#missingCount + 1 : 1;
    if (!follows) this.losses.push({ ...loss, problem: "the file is missing" });
    else {
      this.losses[this.losses.length - 1] = {
        ...last!,
        problem: `this file and those that follow it, ${this.#missingCount} in all, are missing`,
        nextOffset: loss.nextOffset,
      };
    }
  }

  /** Where the batches end that can be read, up to what is torn. */
  async #endOf(
    segment: Segment,
    endOffset: number,
  ): Promise<{ readonly position: number; readonly nextOffset: number }> {
    const { baseOffset, sizeInBytes, file } = segment;
    const walk = new BatchWalk(file, {
      position: 0,
      endPosition: sizeInBytes,
      nextOffset: baseOffset,
      endOffset,
    });
    let nextOffset = baseOffset;
    while (walk.next()) {
      const isTail = walk.damage !== undefined && walk.nextPosition === sizeInBytes;
      if (isTail) return { position: walk.position, nextOffset };
      ({ nextOffset } = walk);
      if (this.#slice.isOver) await this.#slice.pause();
    }
    return { position: sizeInBytes, nextOffset };
  }

  /** Takes what is torn off the end of a segment, and keeps it beside. */
  #cutOff(segment: Segment, position: number): void {
    const path = `${segment.path}.${position}${CORRUPT_SUFFIX}`;
    this.#fs.writeFileSync(path, new Uint8Array(0));
    const file = this.#fs.openSync(path, "append");
    const buffer = new Uint8Array(COPY_BYTES);
    try {
      for (let from = position; from < segment.sizeInBytes;) {
        const count = segment.file.readSync(buffer, from);
        if (count === 0) break;
        appendFullySync(file, buffer.subarray(0, count));
        from += count;
      }
    } finally {
      file.close();
    }
    segment.cutTail(position);
  }

  /** Tells of something that costs no records. */
  #report(segment: ClosedSegment, problem: string): void {
    const { baseOffset } = segment;
    const path = this.#pathOf(segment, LOG_SUFFIX);
    this.losses.push({ path, problem, firstOffset: baseOffset, nextOffset: baseOffset });
  }

  #sizeOf(segment: ClosedSegment, suffix: string): number | undefined {
    if (!this.#options.names.has(fileNameOf(segment.baseOffset, suffix))) return undefined;
    return this.#fs.statSync(this.#pathOf(segment, suffix))?.size;
  }

  #pathOf({ baseOffset }: ClosedSegment, suffix: string): string {
    return `${this.#options.folder}/${fileNameOf(baseOffset, suffix)}`;
  }
}
