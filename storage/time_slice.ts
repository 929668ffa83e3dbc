/**
 * Gives way to the rest of the program in the middle of long synchronous work.
 *
 * @module
 */

/** How long to work at a stretch, unless said otherwise. */
const SLICE_MS = 10;

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
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#end = performance.now() + this.#lengthMs;
  }
}
