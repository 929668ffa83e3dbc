/**
 * Removes the files of deleted segments and topics once `file.delete.delay.ms` is over.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
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
  #timer: number | undefined;
  #timerMs = Infinity;
  #removing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(files: DeletedFiles, clock: Clock, logger: Logger) {
    this.#files = files;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Notes that files were deleted just now, to be removed after `delayMs`. */
  after(delayMs: number): void {
    if (this.#isClosed) return;
    const dueMs = this.#clock.now() + delayMs;
    this.#dueMs.add(dueMs);
    this.#arm(dueMs);
  }

  /** Stops, once a removal under way has ended. What is left is removed at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    await this.#removing;
  }

  #arm(dueMs: number): void {
    if (dueMs >= this.#timerMs) return;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timerMs = dueMs;
    this.#timer = this.#clock.setTimeout(() => this.#onTimer(), dueMs - this.#clock.now());
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#timerMs = Infinity;
    const nowMs = this.#clock.now();
    for (const dueMs of this.#dueMs) {
      if (dueMs <= nowMs) this.#dueMs.delete(dueMs);
    }
    if (this.#dueMs.size > 0) this.#arm(Math.min(...this.#dueMs));
    this.#removing = this.#removing
      .then(() => this.#files.removeDeleted(nowMs))
      .catch((error) => this.#logger.error("Cannot remove deleted files", { error }));
  }
}
