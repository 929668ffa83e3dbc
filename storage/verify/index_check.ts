/**
 * Compares the indexes of a segment with its batches.
 *
 * @module
 */

import type { BatchHeader } from "../segment/batch_cursor.ts";
import { CorruptFileError } from "../errors.ts";
import { type FileSystem, isNotFound } from "../file_system/file_system.ts";
import { OffsetIndex } from "../segment/indexes/offset_index.ts";
import {
  fileNameOf,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
} from "../segment/segment_file_name.ts";
import { NO_TIMESTAMP, TimeIndex } from "../segment/indexes/time_index.ts";
import type { Finding } from "./report.ts";

/** The segment to check, and how far its indexes are trusted. */
export interface IndexCheckOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly baseOffset: number;
  readonly sizeInBytes: number;
  /** Entries from this offset on are not checked: recovery rebuilds them. */
  readonly trustedOffset: number;
  /** Whether the indexes must exist and be complete. */
  readonly isComplete: boolean;
}

/** Checks the indexes of a segment, batch by batch. */
export class IndexCheck {
  readonly findings: Finding[] = [];
  readonly #options: IndexCheckOptions;
  readonly #offsetPath: string;
  readonly #timePath: string;
  readonly #offset: OffsetIndex | undefined;
  readonly #time: TimeIndex | undefined;
  #offsetSlot = 0;
  #timeSlot = 0;
  #maxTimestamp = NO_TIMESTAMP;
  /** Whether all batches so far were valid. */
  #isSound = true;

  constructor(options: IndexCheckOptions) {
    const { folder, baseOffset, sizeInBytes } = options;
    this.#options = options;
    this.#offsetPath = `${folder}/${fileNameOf(baseOffset, OFFSET_INDEX_SUFFIX)}`;
    this.#timePath = `${folder}/${fileNameOf(baseOffset, TIME_INDEX_SUFFIX)}`;
    this.#offset = this.#load(this.#offsetPath, (bytes) => {
      const index = new OffsetIndex(baseOffset, bytes);
      index.check(this.#offsetPath, bytes.length, sizeInBytes);
      return index;
    });
    this.#time = this.#load(this.#timePath, (bytes) => {
      const index = new TimeIndex(baseOffset, bytes);
      index.check(this.#timePath, bytes.length);
      return index;
    });
  }

  #load<T>(path: string, read: (bytes: Uint8Array) => T): T | undefined {
    try {
      return read(this.#options.fs.readFileSync(path));
    } catch (error) {
      if (error instanceof CorruptFileError) this.findings.push({ path, problem: error.problem });
      else if (!isNotFound(error)) throw error;
      else if (this.#options.isComplete) this.findings.push({ path, problem: "it is missing" });
      return undefined;
    }
  }

  /** Checks the next batch. */
  batch(header: BatchHeader, position: number): void {
    this.#checkOffsets(position, header.lastOffset);
    if (header.maxTimestamp > this.#maxTimestamp && header.recordCount > 0) {
      this.#maxTimestamp = header.maxTimestamp;
    }
    this.#checkTimes(header.baseOffset, header.lastOffset);
  }

  #checkOffsets(position: number, lastOffset: number): void {
    const index = this.#offset;
    if (index === undefined) return;
    while (this.#offsetSlot < index.count && index.positionAt(this.#offsetSlot) <= position) {
      const slot = this.#offsetSlot++;
      const offset = index.offsetAt(slot);
      const indexed = index.positionAt(slot);
      const isRight = indexed === position ? offset === lastOffset : !this.#isSound;
      if (isRight || offset >= this.#options.trustedOffset) continue;
      this.findings.push({
        path: this.#offsetPath,
        position: slot * 8,
        problem: indexed === position
          ? `offset is ${offset}, the batch at position ${indexed} ends with ${lastOffset}`
          : `no batch begins at position ${indexed}, which it has for offset ${offset}`,
      });
    }
  }

  #checkTimes(baseOffset: number, lastOffset: number): void {
    const index = this.#time;
    if (index === undefined) return;
    while (this.#timeSlot < index.count && index.offsetAt(this.#timeSlot) <= lastOffset) {
      const slot = this.#timeSlot++;
      const offset = index.offsetAt(slot);
      const timestamp = index.timestampAt(slot);
      const isRight = offset >= baseOffset && timestamp === this.#maxTimestamp;
      if (isRight || !this.#isSound || offset >= this.#options.trustedOffset) continue;
      this.findings.push({
        path: this.#timePath,
        position: slot * 12,
        problem: `timestamp is ${timestamp} at offset ${offset}, the largest up to there is ` +
          this.#maxTimestamp,
      });
    }
  }

  /** Records that batches are missing or damaged. */
  damage(): void {
    this.#isSound = false;
  }

  /** Ends the check after the last batch. */
  end(): void {
    const { isComplete } = this.#options;
    this.#checkOffsets(Infinity, -1);
    if (this.#time === undefined || !isComplete || !this.#isSound) return;
    if (this.#timeSlot < this.#time.count || this.#time.lastTimestamp !== this.#maxTimestamp) {
      this.findings.push({
        path: this.#timePath,
        problem:
          `its last entry is ${this.#time.lastTimestamp} at offset ${this.#time.lastOffset}, ` +
          `the largest timestamp is ${this.#maxTimestamp}`,
      });
    }
  }
}
