/**
 * Cleans one log: of the records with the same key it keeps the last, at the offset it has.
 * Kafka: `Cleaner`.
 *
 * A pass goes along the dirty part of the log and notes the last offset of each key, until the map
 * is full; then it writes the segments from the log's beginning up to there anew, without the
 * records that a later one supersedes, and swaps them in. If the map was full before the dirty part
 * ended, the next pass goes on from there. So memory is bounded whatever the number of keys.
 *
 * What stays besides the last record of each key:
 * - A tombstone, until `delete.retention.ms` after the pass that came upon it first, and the last
 *   record that there is to clean, whatever it is: the log never ends with a batch without records.
 * - The last batch of each producer that is remembered, without records if they all go: by it the
 *   producer's sequence is known again if its snapshot is lost.
 * - Transaction markers as long as there is a batch of their transaction, and like tombstones then.
 *   The records of aborted transactions go.
 *
 * Only what lies before the recovery point, as it is on disk, and the last stable offset is cleaned.
 * The log goes on meanwhile: the work is done in slices of a few milliseconds, reads and syncs are
 * asynchronous, and readers of a segment that is replaced begin anew. A pass ends early, to no harm,
 * when the log is truncated, closed or deleted, or retention takes a segment that it was about to
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
import { CleaningPass, type CleanOptions, type LogCleaning, PassEnded } from "./cleaning_pass.ts";

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

  /** How much there is to clean. */
  range(nowMs: number, maxOffset: number): CleanableRange {
    const log = this.#log;
    const range = cleanableRange(log, nowMs, maxOffset);
    // Which takes a file to be read, for logs that were not written to since they were opened.
    const firstOpen = range.cleanableBytes === 0
      ? undefined
      : log.producers(nowMs).firstOpenTransactionOffset;
    return firstOpen === undefined || firstOpen >= range.firstUncleanableOffset
      ? range
      : cleanableRange(log, nowMs, firstOpen);
  }

  /** Makes a pass, or joins the one under way. See {@linkcode Log.clean}. */
  clean(options: CleanOptions): Promise<LogCleaning | undefined> {
    return this.#pass ??= this.#clean(options).finally(() => this.#pass = undefined);
  }

  /** Ends a pass under way, and lets none begin. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#pass?.catch(() => {});
  }

  async #clean(options: CleanOptions): Promise<LogCleaning | undefined> {
    const log = this.#log;
    log.checkWritable("clean");
    const range = this.range(options.nowMs, options.maxOffset);
    if (range.cleanableBytes === 0) return undefined;
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
      // Recovery takes a gap behind the recovery point for a loss.
      await log.context.syncCheckpoints();
      const cleaning = await pass.run(range);
      if (pass.isOver) return undefined;
      log.firstDirtyOffset = cleaning.toOffset;
      // What is in memory has all that was dropped.
      this.#cache.dropBefore(cleaning.toOffset);
      await log.context.syncCheckpoints();
      return cleaning;
    } catch (error) {
      // What fails because of the end is no failure.
      const isFailure = error instanceof LogOfflineError;
      if (!isFailure && (error instanceof PassEnded || pass.isOver)) return undefined;
      throw cleaningFailure(log.name, error);
    }
  }
}

/** What a pass that failed throws: the log itself is none the worse. */
function cleaningFailure(log: string, error: unknown): unknown {
  const cause = error instanceof SegmentWriteError ? error.cause : error;
  if (!(cause instanceof FileSystemError)) return error;
  const message = `Cannot clean "${log}": ${cause.message}`;
  return isDiskFull(cause)
    ? new DiskFullError(message, { cause })
    : new StorageError(message, { cause });
}
