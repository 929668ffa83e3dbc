/**
 * The system's clock, for tests that let time pass which nobody waits for.
 *
 * @module
 */

import { type Clock, systemClock } from "../../broker/time/clock.ts";

/** The system's clock, with time added. */
export class SkippingClock implements Clock {
  #skippedMs = 0;
  #suspendedMs = 0;

  /** Lets time pass as if the process had stood still: what is due in it runs when it would have. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  /** Lets time pass as if the machine had been suspended, which its monotonic clock does not count. */
  suspend(ms: number): void {
    this.#suspendedMs += ms;
  }

  now(): number {
    return systemClock.now() + this.#skippedMs + this.#suspendedMs;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#skippedMs;
  }

  setTimeout(callback: () => void, ms: number): number {
    return systemClock.setTimeout(callback, ms);
  }

  clearTimeout(id: number): void {
    systemClock.clearTimeout(id);
  }

  yield(): Promise<void> {
    return systemClock.yield();
  }
}
