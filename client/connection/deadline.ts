/**
 * The time limit of an operation: one signal that is aborted by the timeout, by the caller, or by
 * `close()`.
 *
 * @module
 */

import { TimeoutError } from "../errors.ts";
import { Timer } from "./timer.ts";

/** Limits the time of an operation; `using` releases its timer and listeners. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: Timer;
  readonly #sources: AbortSignal[];
  readonly #onAbort: (event: Event) => void;
  readonly #at: number;
  /** The last failure of the operation, used as the cause of a timeout. */
  cause: unknown;

  /**
   * Starts the timer.
   *
   * @param action The operation, as in `list topics`.
   * @param ms The time limit.
   * @param signals Other signals that end the operation.
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

  /** Aborted on timeout, or by one of the given signals. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The remaining time in milliseconds, 0 or more. */
  get remainingMs(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Releases the timer and the listeners. */
  [Symbol.dispose](): void {
    this.#timer.clear();
    for (const source of this.#sources) source.removeEventListener("abort", this.#onAbort);
  }
}
