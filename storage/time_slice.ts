/**
 * Gives way to the rest of the program in the middle of long synchronous work.
 *
 * However many such works are under way, each turn of the event loop is given to one of them, first
 * come first served: so all of them together hold up the rest no longer than one would.
 *
 * @module
 */

/** How long to work at a stretch, unless said otherwise. */
const SLICE_MS = 10;

/** Works that wait for their turn. */
const waiting: (() => void)[] = [];
let isScheduled = false;

function takeTurn(): void {
  waiting.shift()!();
  isScheduled = waiting.length > 0;
  if (isScheduled) setTimeout(takeTurn);
}

/** Forgets the works that wait for their turn: a simulated process has ended, and its timers with it. */
export function forgetWaitingTasks(): void {
  waiting.length = 0;
  isScheduled = false;
}

/** Tells when it is time to pause, and pauses. */
export class TimeSlice {
  readonly #lengthMs: number;
  #end: number;

  /** @param lengthMs How long to work at a stretch, in milliseconds. Default: 10. */
  constructor(lengthMs: number = SLICE_MS) {
    this.#lengthMs = lengthMs;
    this.#end = performance.now() + lengthMs;
  }

  /** Whether it is time to await `pause`. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Resolves after the rest of the program had its turn. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (isScheduled) return;
      isScheduled = true;
      setTimeout(takeTurn);
    });
    this.#end = performance.now() + this.#lengthMs;
  }
}

/** Runs a generator to its end, and gives way between its steps whenever a slice is over. */
export async function runSliced<T>(steps: Generator<void, T>): Promise<T> {
  const slice = new TimeSlice();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (slice.isOver) await slice.pause();
  }
}
