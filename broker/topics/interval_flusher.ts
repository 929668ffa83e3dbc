/**
 * Flushes appends within `flush.ms`, for topics with `flush=interval`.
 *
 * A log requests a flush when it receives its first batch after a flush; one timer serves all logs.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";
import { EarliestTimer } from "../time/earliest_timer.ts";
import type { Logger } from "../logger.ts";

/** A log that can be flushed. */
export interface Flushable {
  readonly name: string;
  readonly isClosed: boolean;
  flush(): Promise<void>;
}

/** Logs flushed concurrently. */
const CONCURRENCY = 16;

/** Flushes logs when they are due. */
export class IntervalFlusher {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #dueMs: Map<Flushable, number> = new Map();
  readonly #timer: EarliestTimer;
  #flushing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#timer = new EarliestTimer(clock, (nowMs) => this.#onTimer(nowMs));
  }

  /** Flushes a log within `delayMs`, unless an earlier flush is scheduled. */
  request(log: Flushable, delayMs: number): void {
    const dueMs = this.#clock.monotonic() + delayMs;
    if (this.#isClosed || (this.#dueMs.get(log) ?? Infinity) <= dueMs) return;
    this.#dueMs.set(log, dueMs);
    this.#timer.set(dueMs);
  }

  /** Cancels the flush of a deleted log. */
  forget(log: Flushable): void {
    this.#dueMs.delete(log);
  }

  /** Stops after running flushes have ended. Remaining logs are flushed when they are closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.cancel();
    this.#dueMs.clear();
    await this.#flushing;
  }

  #onTimer(nowMs: number): void {
    const due: Flushable[] = [];
    let nextMs = Infinity;
    for (const [log, dueMs] of this.#dueMs) {
      if (dueMs <= nowMs) due.push(log);
      else nextMs = Math.min(nextMs, dueMs);
    }
    for (const log of due) this.#dueMs.delete(log);
    this.#timer.set(nextMs);
    this.#flushing = Promise.all([this.#flushing, this.#flushAll(due)]).then(() => {});
  }

  async #flushAll(logs: readonly Flushable[]): Promise<void> {
    const queue = logs.values();
    await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
      for (const log of queue) {
        try {
          await log.flush();
        } catch (error) {
          // The topic may have been deleted in the meantime.
          if (log.isClosed) continue;
          this.#logger.error("Cannot flush log", { log: log.name, error });
        }
      }
    }));
  }
}
