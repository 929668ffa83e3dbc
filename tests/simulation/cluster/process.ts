/**
 * A process on a machine: its clock, which may be wrong, and its pauses.
 *
 * @module
 */

import type { Clock } from "../../../broker/mod.ts";
import type { Happening, Timeline } from "./timeline.ts";

/** How a machine's clock differs from the true one. */
export interface ClockError {
  /** Milliseconds by which the wall clock is ahead. */
  readonly offsetMs: number;
  /** Seconds that pass on the machine in one second. */
  readonly rate: number;
}

/** Some time passes until the next turn of a process. */
const MIN_DELAY_MS = 0.01;

/** A process, which is also the clock of everything in it. */
export class Process implements Clock {
  readonly #timeline: Timeline;
  readonly #timers: Map<number, Happening> = new Map();
  /** What has reached the process while it was paused. */
  #held: { readonly isTimer: boolean; readonly callback: () => void }[] = [];
  #isAlive = true;
  #isPaused = false;
  #nextId = 1;
  #error: ClockError;
  /** The monotonic clock at a true time. */
  #base: { readonly atMs: number; readonly monotonicMs: number };

  constructor(timeline: Timeline, error: ClockError, monotonicMs: number) {
    this.#timeline = timeline;
    this.#error = error;
    this.#base = { atMs: timeline.nowMs, monotonicMs };
  }

  /** Whether it has neither ended nor crashed. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Whether nothing in it runs. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  now(): number {
    return Math.floor(this.#timeline.nowMs + this.#error.offsetMs);
  }

  monotonic(): number {
    const { atMs, monotonicMs } = this.#base;
    return monotonicMs + (this.#timeline.nowMs - atMs) * this.#error.rate;
  }

  setTimeout(callback: () => void, ms: number): number {
    const id = this.#nextId++;
    if (!this.#isAlive) return id;
    const happening = this.#timeline.after(Math.max(MIN_DELAY_MS, ms) / this.#error.rate, () => {
      this.enter(() => {
        if (this.#timers.delete(id)) callback();
      }, true);
    });
    this.#timers.set(id, happening);
    return id;
  }

  clearTimeout(id: number): void {
    const happening = this.#timers.get(id);
    if (happening === undefined) return;
    happening.callback = undefined;
    this.#timers.delete(id);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => {
      this.#timeline.after(MIN_DELAY_MS, () => this.enter(resolve));
    });
  }

  /** Runs something that reaches the process: at once, after its pause, or never once it has ended. */
  enter(callback: () => void, isTimer = false): void {
    if (!this.#isAlive) return;
    if (this.#isPaused) this.#held.push({ isTimer, callback });
    else callback();
  }

  /** Makes the clocks wrong in another way. */
  setClock(error: ClockError): void {
    this.#base = { atMs: this.#timeline.nowMs, monotonicMs: this.monotonic() };
    this.#error = error;
  }

  /** Stops everything until `resume()`, as SIGSTOP does. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Runs what was held up, all of it at once: the timers first or last, the rest in order. */
  resume(areTimersFirst: boolean): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const isTimer of [areTimersFirst, !areTimersFirst]) {
      for (const each of held) if (each.isTimer === isTimer) this.enter(each.callback);
    }
  }

  /** Ends the process: nothing reaches it any more. */
  end(): void {
    this.#isAlive = false;
    this.#held = [];
    for (const happening of this.#timers.values()) happening.callback = undefined;
    this.#timers.clear();
  }
}
