/**
 * Gives way to the rest of the program in the middle of long synchronous work.
 *
 * @module
 */

/** How long to work at a stretch. */
const SLICE_MS = 10;

/** Tells when it is time to pause, and pauses. */
export class TimeSlice {
  #end = performance.now() + SLICE_MS;

  /** Whether it is time to await `pause`. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Resolves after the rest of the program had its turn. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#end = performance.now() + SLICE_MS;
  }
}
