/**
 * Cleans the logs that are compacted, one after another, the one that needs it most first.
 * Kafka: `LogCleaner`, with one thread.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/mod.ts";
import type { Log } from "../log.ts";
import type { CleanableRange } from "./cleanable_range.ts";
import type { LogCleaning } from "./cleaning_pass.ts";

/** A log that may be cleaned. */
export interface CleanableLog {
  readonly log: Log;
  /** Its last stable offset: nothing from there on is cleaned. */
  readonly maxOffset: number;
}

/** How to look for a log to clean. */
export interface CleaningOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Memory for keys, in bytes (`log.cleaner.dedupe.buffer.size`). */
  readonly dedupeBytes: number;
  /** Ends the pass. */
  readonly signal?: AbortSignal;
}

/** Chooses what to clean. */
export class LogCleaner {
  /** Logs with damaged batches. What compaction drops could not be told from what is lost. */
  readonly #uncleanable = new WeakSet<Log>();

  /**
   * Makes a pass over the log that has most to clean: of those with a record that waits longer than
   * `max.compaction.lag.ms`, or else of those whose dirty part exceeds `min.cleanable.dirty.ratio`,
   * the one whose dirty part is largest.
   *
   * @returns Nothing if no log needs cleaning.
   * @throws {CorruptRecordError} If there is damage in the log, which is then left alone.
   * @throws {DiskFullError} If there is no room for the cleaned segment. The log is as it was.
   * @throws {StorageError} If the pass failed otherwise.
   */
  async clean(
    logs: Iterable<CleanableLog>,
    options: CleaningOptions,
  ): Promise<LogCleaning | undefined> {
    const candidates: (CleanableLog & { need: number })[] = [];
    let current: Log | undefined;
    try {
      for (const { log, maxOffset } of logs) {
        current = log;
        const need = this.#need(log, options.nowMs, maxOffset);
        if (need >= 0) candidates.push({ log, maxOffset, need });
      }
      for (const { log, maxOffset } of candidates.sort((a, b) => b.need - a.need)) {
        current = log;
        // It may have been deleted during the pass before.
        if (log.isClosed) continue;
        const cleaning = await log.clean({ ...options, maxOffset });
        if (cleaning !== undefined) return cleaning;
      }
    } catch (error) {
      if (error instanceof CorruptRecordError) this.#uncleanable.add(current!);
      throw error;
    }
    return undefined;
  }

  /** How much a log needs cleaning: -1 if it does not. */
  #need(log: Log, nowMs: number, maxOffset: number): number {
    const { config } = log;
    if (!config.cleanupPolicy.includes("compact") || this.#uncleanable.has(log)) return -1;
    if (log.isClosed || log.offlineError !== undefined) return -1;
    const range = log.cleanableRange(nowMs, maxOffset);
    if (range.cleanableBytes === 0) return -1;
    const ratio = dirtyRatio(range);
    if (range.isOverdue) return 1 + ratio;
    return ratio > config.minCleanableDirtyRatio ? ratio : -1;
  }
}

/** The part of what may be cleaned that no cleaning has been over. */
export function dirtyRatio({ cleanBytes, cleanableBytes }: CleanableRange): number {
  return cleanableBytes / (cleanBytes + cleanableBytes);
}
