/**
 * The time an operation has in all: one signal that ends it, be it late, aborted or overtaken by
 * `close()`.
 *
 * @module
 */

import { TimeoutError } from "../errors.ts";
import { Timer } from "./timer.ts";

/** Limits an operation in time; `using` releases its timer and listeners. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: Timer;
  readonly #sources: AbortSignal[];
  readonly #onAbort: (event: Event) => void;
  readonly #at: number;
  /** The last failure of the operation, which a timeout then names as its cause. */
  cause: unknown;

  /**
   * Starts the clock.
   *
   * @param action What is limited, as in `list topics`.
   * @param ms How long it may take.
   * @param signals What else ends it.
   */
  constructor(action: string, ms: number, ...signals: (AbortSignal | undefined)[]) {
    this.#at = performance.now() + ms;
    this.#sources = signals.filter((signal) => signal !== undefined);
    this.#onAbort = (event) => this.#controller.abort((event.target as AbortSignal).reason);
    this.#timer = new Timer(() => {
      const reason = this.cause instanceof Error ? `: ${this.cause.message}` : "";
      this.#controller.abort(
        new TimeoutError(`Cannot ${action} within ${ms} ms${reason}`, { cause: this.cause }),
      );
    }, ms);
    for (const source of this.#sources) {
      if (source.aborted) this.#controller.abort(source.reason);
      else source.addEventListener("abort", this.#onAbort);
    }
  }

  /** Aborted when the time is over, or one of the given signals was. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that are left, 0 or more. */
  get remainingMs(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Lets go of the timer and the signals. */
  [Symbol.dispose](): void {
    this.#timer.clear();
    for (const source of this.#sources) source.removeEventListener("abort", this.#onAbort);
  }
}
