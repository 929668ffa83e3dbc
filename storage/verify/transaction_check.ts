/**
 * Compares the transaction indexes of a log with its batches.
 *
 * What a scan finds may be less than what the index was written from: older records may be deleted, or
 * removed by compaction. So an entry may have an earlier first offset, and an earlier last stable offset
 * than the scan finds. It must not have later ones: readers would be given aborted records.
 *
 * @module
 */

import type { EndTransactionMarker } from "../../protocol/records/mod.ts";
import { CorruptFileError } from "../errors.ts";
import { type FileSystem, isNotFound } from "../file_system/file_system.ts";
import type { BatchHeader } from "../segment/batch_cursor.ts";
import {
  TRANSACTION_INDEX_ENTRY_SIZE,
  TransactionIndex,
  type TransactionIndexEntry,
} from "../segment/indexes/transaction_index.ts";
import { fileNameOf, TRANSACTION_INDEX_SUFFIX } from "../segment/segment_file_name.ts";
import type { Finding } from "./report.ts";

/** The log to check, and how far its indexes are trusted. */
export interface TransactionCheckOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  /** Markers from this offset on are not checked: recovery indexes them. */
  readonly trustedOffset: number;
  /** Whether records may have been removed before the end of the log. */
  readonly isCompacted: boolean;
}

/** Checks the transaction indexes of a log, segment by segment. */
export class TransactionCheck {
  readonly #options: TransactionCheckOptions;
  /** First offsets of open transactions by producer, in the order of those. */
  readonly #open = new Map<number, number>();
  #findings: Finding[] = [];
  #path = "";
  #index: TransactionIndex | undefined;
  #slot = 0;
  #isReadable = false;
  #firstOffset: number | undefined;
  #isSound = true;

  constructor(options: TransactionCheckOptions) {
    this.#options = options;
  }

  /** Begins with a segment, which ends at `endOffset` at most. */
  begin(baseOffset: number, endOffset: number): void {
    const { fs, folder } = this.#options;
    this.#findings = [];
    this.#firstOffset ??= baseOffset;
    this.#path = `${folder}/${fileNameOf(baseOffset, TRANSACTION_INDEX_SUFFIX)}`;
    this.#index = undefined;
    this.#slot = 0;
    this.#isReadable = true;
    try {
      const bytes = fs.readFileSync(this.#path);
      const index = new TransactionIndex(baseOffset, bytes);
      index.check(this.#path, bytes.length, endOffset);
      this.#index = index;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!(error instanceof CorruptFileError)) throw error;
      // Recovery writes it again.
      this.#isReadable = false;
      if (baseOffset < this.#options.trustedOffset) this.#report(error.problem);
    }
  }

  /** Checks the next batch. */
  batch(header: BatchHeader, marker: EndTransactionMarker | undefined): void {
    const { producerId, baseOffset } = header;
    if (!header.hasProducerId) return;
    if (!header.isControl) {
      if (header.isTransactional && !this.#open.has(producerId)) {
        this.#open.set(producerId, baseOffset);
      }
      return;
    }
    if (marker === undefined) return;
    const firstOffset = this.#open.get(producerId);
    this.#open.delete(producerId);
    this.#checkMarker(header, !marker.isCommit, firstOffset);
  }

  #checkMarker(
    { producerId, baseOffset: offset, nextOffset }: BatchHeader,
    isAborted: boolean,
    firstOffset: number | undefined,
  ): void {
    this.#checkBefore(offset);
    const slot = this.#slot;
    const index = this.#index;
    if (index !== undefined && slot < index.count && index.lastOffsetAt(slot) === offset) {
      this.#slot++;
      if (offset >= this.#options.trustedOffset) return;
      const entry = index.entryAt(slot);
      if (!isAborted || entry.producerId !== producerId) {
        this.#report(
          `marker at offset ${offset} is of producer ${producerId}, and ` +
            `${isAborted ? "aborts" : "commits"}; the entry aborts producer ${entry.producerId}`,
          slot,
        );
      } else this.#checkEntry(entry, slot, firstOffset, nextOffset);
    } else if (
      isAborted && firstOffset !== undefined && this.#isReadable && this.#isSound &&
      offset < this.#options.trustedOffset
    ) {
      this.#report(
        `transaction of producer ${producerId} at offset ${firstOffset}, aborted at ${offset}, is missing`,
      );
    }
  }

  #checkEntry(
    entry: TransactionIndexEntry,
    slot: number,
    firstOffset: number | undefined,
    nextOffset: number,
  ): void {
    if (!this.#isSound) return;
    const stableOffset = this.#open.values().next().value ?? nextOffset;
    if (firstOffset !== undefined && !this.#agrees(entry.firstOffset, firstOffset)) {
      this.#report(
        `first offset of producer ${entry.producerId} is ${entry.firstOffset}, its transaction begins at ${firstOffset}`,
        slot,
      );
    } else if (!this.#agrees(entry.lastStableOffset, stableOffset)) {
      this.#report(
        `last stable offset is ${entry.lastStableOffset}, it was ${stableOffset} at the marker`,
        slot,
      );
    }
  }

  /** Whether an offset of an entry can be what was found. */
  #agrees(stated: number, found: number): boolean {
    const isExact = !this.#options.isCompacted && stated >= this.#firstOffset!;
    return isExact ? stated === found : stated <= found;
  }

  /** Reports entries before an offset that have no marker. */
  #checkBefore(offset: number): void {
    const index = this.#index;
    if (index === undefined) return;
    for (; this.#slot < index.count && index.lastOffsetAt(this.#slot) < offset; this.#slot++) {
      const lastOffset = index.lastOffsetAt(this.#slot);
      if (!this.#isSound || lastOffset >= this.#options.trustedOffset) continue;
      this.#report(`no abort marker is at offset ${lastOffset}`, this.#slot);
    }
  }

  /** Records that batches are missing or damaged. */
  damage(): void {
    this.#isSound = false;
  }

  /** Ends with a segment, and returns what was found. */
  end(): readonly Finding[] {
    this.#checkBefore(Infinity);
    return this.#findings;
  }

  #report(problem: string, slot?: number): void {
    const position = slot === undefined ? undefined : slot * TRANSACTION_INDEX_ENTRY_SIZE;
    this.#findings.push({ path: this.#path, position, problem });
  }
}
