/**
 * Cleans the compacted logs, one after another, starting with the one that needs it most. Kafka:
 * `LogCleaner`, with one thread.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/mod.ts";
import type { Log } from "../log.ts";
import type { CleanableRange } from "./cleanable_range.ts";
import type { LogCleaning } from "./cleaning_pass.ts";

/** A candidate for cleaning. */
export interface CleanableLog {
  readonly log: Log;
  /** Its last stable offset: records from there on are not cleaned. */
  readonly maxOffset: number;
}

/** How to clean the logs. */
export interface CleaningOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Memory for keys, in bytes (`log.cleaner.dedupe.buffer.size`). */
  readonly dedupeBytes: number;
  /** Ends the pass. */
  readonly signal?: AbortSignal;
}

/** Chooses the log to clean. */
export class LogCleaner {
  /** Logs with damage, where gaps left by compaction would be mistaken for losses. */
  readonly #uncleanable = new WeakSet<Log>();

  /**
   * Runs a pass over the log that needs it most: among those with a record that has waited longer
   * than `max.compaction.lag.ms`, or else among those whose dirty ratio exceeds
   * `min.cleanable.dirty.ratio`, the one with the highest dirty ratio.
   *
   * @returns `undefined` if no log needs cleaning.
   * @throws {CorruptRecordError} If the log is damaged. It is not cleaned again.
   * @throws {DiskFullError} If the disk has no room for the cleaned segment. The log is unchanged.
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
        // The log may have been deleted during an earlier pass.
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

  /** How much a log needs cleaning; -1 if it does not. */
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

/** The dirty part of what can be cleaned, from 0 to 1. */
export function dirtyRatio({ cleanBytes, cleanableBytes }: CleanableRange): number {
  return cleanableBytes / (cleanBytes + cleanableBytes);
}
