/**
 * Compares the files of a log with those at its clean shutdown, before it is opened.
 *
 * Lost batches are replaced by a placeholder that readers treat as damage (`lost_records.ts`), so
 * that a log always has all its segments and its previous end offset. Indexes with another size are
 * removed, to be rebuilt from the batches. Segments that did not exist at the shutdown are renamed.
 * After a crash during the comparison, recovery does the rest.
 *
 * @module
 */

import { CRC_POSITION } from "../../protocol/records/record_batch.ts";
import type { WindowedFile } from "../file_system/file_window.ts";
import { BatchWalk } from "./batch_walk.ts";
import type { LastBatch } from "./indexes/segment_indexes.ts";
import { appendFullySync, type FileInfo, type FileSystem } from "../file_system/file_system.ts";
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
  TRANSACTION_INDEX_SUFFIX,
} from "./segment_file_name.ts";
import { TimeSlice } from "../time_slice.ts";

/** Suffix of the files of a segment that did not exist when the log was closed. */
export const STRAY_SUFFIX = ".stray";

const COPY_BYTES = 1 << 20;

/** What is wrong with a file that does not have the last batch that it had. */
export const OTHER_BATCHES =
  "its last batch is not that of the last shutdown: it is damaged, or the file of another segment";

/** Whether a file has a batch with a CRC at a position. Does not check the batch. */
export function hasBatch(file: WindowedFile, { position, crc }: LastBatch): boolean {
  const bytes = new Uint8Array(CRC_POSITION + 4);
  const count = file.readSync(bytes, position);
  return count === bytes.length && new DataView(bytes.buffer).getUint32(CRC_POSITION) === crc;
}

/** What to compare. */
export interface ComparisonOptions {
  readonly context: SegmentContext;
  readonly folder: string;
  /** Names of the files in the folder. */
  readonly names: ReadonlySet<string>;
  /** The segments at the shutdown, in order. */
  readonly closed: readonly ClosedSegment[];
  readonly logStartOffset: number;
  readonly nowMs: number;
}

/** The result of a comparison. */
export interface Comparison {
  /** The differences, in the order of the segments. */
  readonly losses: readonly LogLoss[];
  /** Whether files were changed by the comparison. */
  readonly isChanged: boolean;
  /** Whether a file is larger than it was, so that the log must be recovered as after a crash. */
  readonly hasMore: boolean;
  /** Base offsets of segments whose transaction index must be rebuilt. */
  readonly unindexed: readonly number[];
}

/** Compares the files of one log, and replaces lost batches by placeholders. */
export async function compareSegments(options: ComparisonOptions): Promise<Comparison> {
  const comparer = new SegmentComparer(options);
  await comparer.compare();
  return comparer;
}

class SegmentComparer implements Comparison {
  readonly losses: LogLoss[] = [];
  /** Number of consecutive missing files, up to the last loss. */
  #missingCount = 0;
  isChanged = false;
  hasMore = false;
  readonly unindexed: number[] = [];
  readonly #options: ComparisonOptions;
  readonly #fs: FileSystem;
  readonly #slice = new TimeSlice();

  constructor(options: ComparisonOptions) {
    this.#options = options;
    this.#fs = options.context.fs;
  }

  async compare(): Promise<void> {
    const { closed, folder, logStartOffset } = this.#options;
    const infos = closed.map((segment) => this.#infoOf(segment, LOG_SUFFIX));
    this.hasMore = closed.some(({ sizeInBytes }, slot) => (infos[slot]?.size ?? 0) > sizeInBytes);
    // If a file is larger, others that were lost before may have been restored.
    if (!this.hasMore) this.#setStraysAside();
    for (const [slot, segment] of closed.entries()) {
      const info = infos[slot];
      const size = info?.size;
      // A segment whose records are all deleted is no loss.
      if (size === undefined && segment.endOffset <= logStartOffset) continue;
      if (size !== undefined) this.#missingCount = 0;
      if (size === undefined || size < segment.sizeInBytes) await this.#fill(segment, size);
      else if (size > segment.sizeInBytes) {
        this.#report(
          segment,
          `it has ${size} bytes, it had ${segment.sizeInBytes} at the last shutdown`,
        );
      } else {
        this.#compareIndexes(segment);
        this.#compareTransactionIndex(segment);
        this.#compareLastBatch(segment, info!);
      }
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
        problem:
          `the file did not exist at the last shutdown; it is renamed to ${name}${STRAY_SUFFIX}`,
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
    const wrong = indexes.filter(([suffix, size]) =>
      (this.#infoOf(segment, suffix)?.size ?? 0) !== size
    );
    if (wrong.length === 0) return;
    for (const [suffix] of indexes) this.#fs.removeSync(this.#pathOf(segment, suffix));
    this.isChanged = true;
    const names = wrong.map(([suffix]) => fileNameOf(segment.baseOffset, suffix)).join(" and ");
    this.#report(segment, `${names} is missing or truncated; the indexes are rebuilt`);
  }

  #compareTransactionIndex(segment: ClosedSegment): void {
    const { transactionIndexSize: size, baseOffset } = segment;
    if (size === 0 || this.#infoOf(segment, TRANSACTION_INDEX_SUFFIX)?.size === size) return;
    this.unindexed.push(baseOffset);
    const name = fileNameOf(baseOffset, TRANSACTION_INDEX_SUFFIX);
    this.#report(segment, `${name} is missing or truncated; it is rebuilt`);
  }

  /**
   * Notices a file of the same size that has other batches, such as that of another segment. It is only
   * reported: its batches may be valid ones, and the right file may still exist. Files that were not
   * changed since the shutdown are not read.
   */
  #compareLastBatch(segment: ClosedSegment, { modifiedMs }: FileInfo): void {
    if (segment.lastBatch === undefined || modifiedMs === segment.modifiedMs) return;
    const file = this.#fs.openSync(this.#pathOf(segment, LOG_SUFFIX), "read");
    try {
      if (!hasBatch(file, segment.lastBatch)) this.#report(segment, OTHER_BATCHES);
    } finally {
      file.close();
    }
  }

  /** Replaces the lost batches of a file by a placeholder. */
  async #fill(closed: ClosedSegment, size: number | undefined): Promise<void> {
    const { context, folder, nowMs, logStartOffset } = this.#options;
    const { baseOffset, endOffset, sizeInBytes } = closed;
    if (closed.transactionIndexSize > 0) this.unindexed.push(baseOffset);
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
        problem: `the file has ${size} bytes, it had ${sizeInBytes} at the last shutdown`,
        firstOffset: isLost ? Math.max(firstOffset, logStartOffset) : endOffset,
        nextOffset: endOffset,
      };
      if (size === undefined) this.#reportMissing(loss);
      else this.losses.push(loss);
    } finally {
      segment.close();
    }
  }

  /** Reports a missing file, together with missing files directly before it. */
  #reportMissing(loss: LogLoss): void {
    const last = this.losses.at(-1);
    const follows = this.#missingCount > 0 && last!.nextOffset === loss.firstOffset;
    this.#missingCount = follows ? this.#missingCount + 1 : 1;
    if (!follows) this.losses.push({ ...loss, problem: "the file is missing" });
    else {
      this.losses[this.losses.length - 1] = {
        ...last!,
        problem: `this file and the following ones, ${this.#missingCount} in all, are missing`,
        nextOffset: loss.nextOffset,
      };
    }
  }

  /** The end of the readable batches, before a torn tail. */
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
    while (await walk.nextInSlices(this.#slice)) {
      const isTail = walk.damage !== undefined && walk.nextPosition === sizeInBytes;
      if (isTail) return { position: walk.position, nextOffset };
      ({ nextOffset } = walk);
      if (this.#slice.isOver) await this.#slice.pause();
    }
    return { position: sizeInBytes, nextOffset };
  }

  /** Cuts the torn tail off a segment, and keeps it in a file of its own. */
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

  /** Reports a difference that costs no records. */
  #report(segment: ClosedSegment, problem: string): void {
    const { baseOffset } = segment;
    const path = this.#pathOf(segment, LOG_SUFFIX);
    this.losses.push({ path, problem, firstOffset: baseOffset, nextOffset: baseOffset });
  }

  #infoOf(segment: ClosedSegment, suffix: string): FileInfo | undefined {
    if (!this.#options.names.has(fileNameOf(segment.baseOffset, suffix))) return undefined;
    return this.#fs.statSync(this.#pathOf(segment, suffix));
  }

  #pathOf({ baseOffset }: ClosedSegment, suffix: string): string {
    return `${this.#options.folder}/${fileNameOf(baseOffset, suffix)}`;
  }
}
