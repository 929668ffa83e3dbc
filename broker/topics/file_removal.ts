/**
 * Removes the files of deleted segments and topics after `file.delete.delay.ms`.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";
import { EarliestTimer } from "../time/earliest_timer.ts";
import type { Logger } from "../logger.ts";

/** A data folder with files to be removed. */
export interface DeletedFiles {
  /** Removes the files that are due. */
  removeDeleted(nowMs: number): Promise<void>;
}

/** Schedules the removal of files. */
export class FileRemoval {
  readonly #files: DeletedFiles;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Times at which files are due, as of `Clock.monotonic()`, without duplicates. */
  readonly #dueMs: Set<number> = new Set();
  readonly #timer: EarliestTimer;
  #removing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(files: DeletedFiles, clock: Clock, logger: Logger) {
    this.#files = files;
    this.#clock = clock;
    this.#logger = logger;
    this.#timer = new EarliestTimer(clock, (nowMs) => this.#onTimer(nowMs));
  }

  /** Schedules the removal of files deleted now, after `delayMs`. */
  after(delayMs: number): void {
    if (this.#isClosed) return;
    const dueMs = this.#clock.monotonic() + delayMs;
    this.#dueMs.add(dueMs);
    this.#timer.set(dueMs);
  }

  /** Stops after a running removal has ended. Remaining files are removed at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.cancel();
    await this.#removing;
  }

  #onTimer(nowMs: number): void {
    for (const dueMs of this.#dueMs) {
      if (dueMs <= nowMs) this.#dueMs.delete(dueMs);
    }
    this.#timer.set(Math.min(...this.#dueMs));
    const timeMs = this.#clock.now();
    this.#removing = this.#removing
      .then(() => this.#files.removeDeleted(timeMs))
      .catch((error) => this.#logger.error("Cannot remove deleted files", { error }));
  }
}
