/**
 * Removes the files of deleted segments and topics once `file.delete.delay.ms` is over.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";
import { EarliestTimer } from "../time/earliest_timer.ts";
import type { Logger } from "../logger.ts";

/** What holds files that are to be removed: a data folder. */
export interface DeletedFiles {
  /** Removes those whose time is over. */
  removeDeleted(nowMs: number): Promise<void>;
}

/** Wakes up when there is something to remove. */
export class FileRemoval {
  readonly #files: DeletedFiles;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** When files are due, each time once. */
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

  /** Notes that files were deleted just now, to be removed after `delayMs`. */
  after(delayMs: number): void {
    if (this.#isClosed) return;
    const dueMs = this.#clock.now() + delayMs;
    this.#dueMs.add(dueMs);
    this.#timer.set(dueMs);
  }

  /** Stops, once a removal under way has ended. What is left is removed at the next start. */
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
    this.#removing = this.#removing
      .then(() => this.#files.removeDeleted(nowMs))
      .catch((error) => this.#logger.error("Cannot remove deleted files", { error }));
  }
}
