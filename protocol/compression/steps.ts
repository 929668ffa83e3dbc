/**
 * Interruptible work.
 *
 * @module
 */

/** Work in steps of a few milliseconds at most; each step yields the number of bytes held. */
export type Steps = Generator<number, Uint8Array>;

/** Decides when work should give way, and waits. */
export interface WorkSlice {
  /** Whether the caller should await `pause`. */
  readonly isOver: boolean;
  /** Resolves after other tasks of the event loop have run. */
  pause(): Promise<void>;
  /** Records how many bytes of memory the work holds now. */
  hold(bytes: number): void;
}

/** Runs all steps without a pause. */
export function runSteps(steps: Steps): Uint8Array {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Runs at most `max` steps; returns `undefined` if there are more. */
export function runSomeSteps(steps: Steps, max: number): Uint8Array | undefined {
  for (let count = 0; count < max; count++) {
    const { done, value } = steps.next();
    if (done) return value;
  }
  return undefined;
}

/** Runs steps, and gives way to other tasks between them. */
export async function runStepsInSlices(steps: Steps, slice: WorkSlice): Promise<Uint8Array> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    slice.hold(value);
    if (slice.isOver) await slice.pause();
  }
}
