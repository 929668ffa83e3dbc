/**
 * Yields to the event loop in the middle of long synchronous work.
 *
 * All tasks that use slices share the loop: between two polls of the sockets one of them runs, in the
 * order they paused. So many such tasks delay other work no longer than one would.
 *
 * @module
 */

import { afterPoll } from "./event_loop.ts";

/** Default length of a slice. */
const SLICE_MS = 10;

/** Paused tasks, oldest first. */
const waiting: (() => void)[] = [];
let isScheduled = false;

function takeTurn(): void {
  waiting.shift()!();
  isScheduled = waiting.length > 0;
  if (isScheduled) afterPoll(takeTurn);
}

/** Drops all paused tasks. For simulations, in which a process and its timers can end. */
export function forgetWaitingTasks(): void {
  waiting.length = 0;
  isScheduled = false;
}

/** Tells when a task should pause, and pauses it. */
export class TimeSlice {
  readonly #lengthMs: number;
  #end: number;

  /** @param lengthMs How long to work between two pauses, in milliseconds. Default: 10. */
  constructor(lengthMs: number = SLICE_MS) {
    this.#lengthMs = lengthMs;
    this.#end = performance.now() + lengthMs;
  }

  /** Whether the slice is over, and `pause` should be awaited. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Resolves after other work had its turn, and starts the next slice. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (isScheduled) return;
      isScheduled = true;
      afterPoll(takeTurn);
    });
    this.#end = performance.now() + this.#lengthMs;
  }
}

/** Runs a generator to its end without a pause. */
export function runAtOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Runs a generator to its end, pausing between steps whenever a slice is over.
 *
 * @param slice The slice of a longer task that this is a part of. Default: a new one.
 */
export async function runSliced<T>(
  steps: Generator<void, T>,
  slice: TimeSlice = new TimeSlice(),
): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (slice.isOver) await slice.pause();
  }
}
