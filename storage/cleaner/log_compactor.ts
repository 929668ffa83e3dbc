/**
 * Cleans one log: keeps the last record of each key, at its offset. Kafka: `Cleaner`.
 *
 * A pass scans the dirty part of the log and collects the last offset of each key, until the map is
 * full. Then it rewrites the segments from the start of the log up to there without superseded
 * records, and swaps them in. If the map was full before the end of the dirty part, the next pass
 * continues from there. So memory is bounded for any number of keys.
 *
 * Retained besides the last record of each key:
 * - A tombstone, until `delete.retention.ms` after the first pass over it, and the last record of
 *   the cleaned part: it never ends with an empty batch.
 * - The last batch of each known producer, if necessary without records: the producer's sequence
 *   can be restored from it if the snapshot is lost.
 * - Transaction markers while there is a batch of their transaction, and then like tombstones.
 *   Records of aborted transactions are removed. Their entries in the transaction index stay as long
 *   as the marker: some consumers need one for each abort marker that they see.
 *
 * Only records before both the recovery point on disk and the last stable offset are cleaned. The
 * log stays in use: the work is done in slices of a few milliseconds, reads and syncs are
 * asynchronous, and reads of a replaced segment are retried. A pass ends early, without harm, when
 * the log is truncated, closed or deleted, or retention deletes a segment that it was about to
 * replace.
 *
 * @module
 */

import { DiskFullError, LogOfflineError, StorageError } from "../errors.ts";
import { FileSystemError, isDiskFull } from "../file_system/file_system.ts";
import type { LogBatchCache } from "../log/batch_cache.ts";
import type { LogCheckpointer } from "../log/log_checkpointer.ts";
import type { LogFlusher } from "../log/log_flusher.ts";
import type { LogState } from "../log/log_state.ts";
import type { LogTrimmer } from "../log/log_trimmer.ts";
import { SegmentWriteError } from "../segment/segment.ts";
import { type CleanableRange, cleanableRange } from "./cleanable_range.ts";
import type { CleanOptions, LogCleaning } from "./cleaning_pass.ts";

/** Loaded when it is needed. */
const PASS = "./cleaning_pass.ts";

let loading: Promise<typeof import("./cleaning_pass.ts")> | undefined;

/** Loads what a pass needs; a broker starts faster without it. */
export function loadCleaningPass(): Promise<typeof import("./cleaning_pass.ts")> {
  return loading ??= import(PASS);
}

/** Cleans a log, at most one pass at a time. */
export class LogCompactor {
  readonly #log: LogState;
  readonly #flusher: LogFlusher;
  readonly #checkpointer: LogCheckpointer;
  readonly #trimmer: LogTrimmer;
  readonly #cache: LogBatchCache;
  #pass: Promise<LogCleaning | undefined> | undefined;
  #isStopped = false;

  constructor(
    log: LogState,
    flusher: LogFlusher,
    checkpointer: LogCheckpointer,
    trimmer: LogTrimmer,
    cache: LogBatchCache,
  ) {
    this.#log = log;
    this.#flusher = flusher;
    this.#checkpointer = checkpointer;
    this.#trimmer = trimmer;
    this.#cache = cache;
  }

  /** The part of the log that can be cleaned. */
  range(nowMs: number, maxOffset: number): CleanableRange {
    const log = this.#log;
    const range = cleanableRange(log, nowMs, maxOffset);
    // Reads a file if the log was not appended to since it was opened.
    const firstUnstable = range.cleanableBytes === 0
      ? undefined
      : log.firstUnstableOffset(maxOffset);
    return firstUnstable === undefined || firstUnstable >= range.firstUncleanableOffset
      ? range
      : cleanableRange(log, nowMs, firstUnstable);
  }

  /** Runs a pass, or joins the one in progress. See {@linkcode Log.clean}. */
  clean(options: CleanOptions): Promise<LogCleaning | undefined> {
    return this.#pass ??= this.#clean(options).finally(() => this.#pass = undefined);
  }

  /** Ends the pass in progress, and prevents new ones. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#pass?.catch(() => {});
  }

  async #clean(options: CleanOptions): Promise<LogCleaning | undefined> {
    const log = this.#log;
    log.checkWritable("clean");
    const range = this.range(options.nowMs, options.maxOffset);
    if (range.cleanableBytes === 0) return undefined;
    const { CleaningPass, PassEnded } = await loadCleaningPass();
    const pass = new CleaningPass(
      log,
      this.#flusher,
      this.#trimmer,
      options,
      () => this.#isStopped,
    );
    try {
      if (this.#checkpointer.recoveryPoint < range.firstUncleanableOffset) {
        await this.#checkpointer.checkpoint();
        if (this.#checkpointer.recoveryPoint < range.firstUncleanableOffset) return undefined;
      }
      // Recovery treats a gap after the recovery point as a loss.
      await log.context.syncCheckpoints();
      const cleaning = await pass.run(range);
      if (pass.isOver) return undefined;
      log.cleaned(cleaning.toOffset);
      // The cache still has the dropped records.
      this.#cache.dropBefore(cleaning.toOffset);
      await log.context.syncCheckpoints();
      return cleaning;
    } catch (error) {
      // A failure caused by the end of the pass is not reported.
      const isFailure = error instanceof LogOfflineError;
      if (!isFailure && (error instanceof PassEnded || pass.isOver)) return undefined;
      throw cleaningFailure(log.name, error);
    }
  }
}

/** The error of a failed pass, which has left the log unchanged. */
function cleaningFailure(log: string, error: unknown): unknown {
  const cause = error instanceof SegmentWriteError ? error.cause : error;
  if (!(cause instanceof FileSystemError)) return error;
  const message = `Cannot clean "${log}": ${cause.message}`;
  return isDiskFull(cause)
    ? new DiskFullError(message, { cause })
    : new StorageError(message, { cause });
}
