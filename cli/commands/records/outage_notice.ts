/**
 * Tells on standard error of a time in which something does not work: once, if it lasts, then once a
 * minute, and when it is over.
 *
 * @module
 */

import type { Context } from "../../terminal/context.ts";
import { formatDuration } from "../../values/duration.ts";
import type { Output } from "../../terminal/output.ts";

/** What is over sooner needs no words: a connection that is made again, a leader that moves. */
const DEFAULT_PATIENCE_MS = 1000;
const REMINDER_MS = 60_000;

/** Notices of one thing that may not work for a while. */
export class OutageNotice implements Disposable {
  readonly #stderr: Output;
  readonly #who: string;
  readonly #patienceMs: number;
  #problem = "";
  #startMs: number | undefined;
  #isTold = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param who what each line begins with, such as `Group "g"`
   * @param patienceMs how long it may last in silence
   */
  constructor({ stderr }: Context, who: string, patienceMs = DEFAULT_PATIENCE_MS) {
    this.#patienceMs = patienceMs;
    this.#stderr = stderr;
    this.#who = who;
  }

  /** Says what does not work, in whatever words at the moment. */
  begin(problem: string): void {
    this.#problem = problem;
    if (this.#startMs !== undefined) return;
    this.#startMs = performance.now();
    this.#timer = setTimeout(() => this.#tell(), this.#patienceMs);
  }

  /** Says that it works. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#isTold) this.#line(`${this.#who}: continues after ${this.#elapsed()}`);
    this.#startMs = undefined;
    this.#isTold = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    const { yellow } = this.#stderr.style;
    const since = this.#isTold ? ` for ${this.#elapsed()}` : "";
    this.#line(`${yellow("Warning:")} ${this.#who}: waiting${since} for ${this.#problem}`);
    this.#isTold = true;
    this.#timer = setTimeout(() => this.#tell(), REMINDER_MS);
  }

  #elapsed(): string {
    return formatDuration(performance.now() - this.#startMs!, 1);
  }

  #line(text: string): void {
    this.#stderr.line(text);
    // A failure shows at the next flush again.
    this.#stderr.flush().catch(() => {});
  }
}

/** Tells that a consumer continues at another offset than it had, which the error says. */
export function warnOfReset(stderr: Output, error: Error): void {
  stderr.line(`${stderr.style.yellow("Warning:")} ${error.message}`);
  stderr.flush().catch(() => {});
}
