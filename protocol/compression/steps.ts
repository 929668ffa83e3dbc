/**
 * Work that can be interrupted.
 *
 * @module
 */

/** Work that gives way after each step of some milliseconds at most, with the bytes it holds then. */
export type Steps = Generator<number, Uint8Array>;

/** Says when it is time to give way to others, and does. */
export interface WorkSlice {
  /** Whether it is time to await `pause`. */
  readonly isOver: boolean;
  /** Resolves after the rest of the program had its turn. */
  pause(): Promise<void>;
  /** Notes how many bytes of memory the work holds now. */
  hold(bytes: number): void;
}

/** Does all steps at once. */
export function runSteps(steps: Steps): Uint8Array {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does at most `max` steps; `undefined` if there are more. */
export function runSomeSteps(steps: Steps, max: number): Uint8Array | undefined {
  for (let count = 0; count < max; count++) {
    const { done, value } = steps.next();
    if (done) return value;
  }
  return undefined;
}

/** Does steps, and lets others have their turn between them. */
export async function runStepsInSlices(steps: Steps, slice: WorkSlice): Promise<Uint8Array> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    slice.hold(value);
    if (slice.isOver) await slice.pause();
  }
}
