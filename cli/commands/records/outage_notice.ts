/**
 * Reports on standard error that something is unavailable: once, if it lasts, then once a minute,
 * and when it is over.
 *
 * @module
 */

import type { Context } from "../../terminal/context.ts";
import { formatDuration } from "../../../client/text/duration.ts";
import type { Output } from "../../terminal/output.ts";

/** Shorter outages are not reported, such as a reconnect or a leader change. */
const DEFAULT_PATIENCE_MS = 1000;
const REMINDER_MS = 60_000;

/** Notices about something that may be unavailable for a while. */
export class OutageNotice implements Disposable {
  readonly #stderr: Output;
  readonly #subject: string;
  readonly #patienceMs: number;
  #problem = "";
  #startMs: number | undefined;
  #isReported = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param subject Start of each line, such as `Group "g"`.
   * @param patienceMs Duration of an outage before it is reported.
   */
  constructor({ stderr }: Context, subject: string, patienceMs = DEFAULT_PATIENCE_MS) {
    this.#patienceMs = patienceMs;
    this.#stderr = stderr;
    this.#subject = subject;
  }

  /** Reports what is unavailable; the text may change during an outage. */
  begin(problem: string): void {
    this.#problem = problem;
    if (this.#startMs !== undefined) return;
    this.#startMs = performance.now();
    this.#timer = setTimeout(() => this.#report(), this.#patienceMs);
  }

  /** Reports that the outage is over. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#isReported) this.#line(`${this.#subject}: continues after ${this.#elapsed()}`);
    this.#startMs = undefined;
    this.#isReported = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #report(): void {
    const { yellow } = this.#stderr.style;
    const since = this.#isReported ? ` for ${this.#elapsed()}` : "";
    this.#line(`${yellow("Warning:")} ${this.#subject}: waiting${since} for ${this.#problem}`);
    this.#isReported = true;
    this.#timer = setTimeout(() => this.#report(), REMINDER_MS);
  }

  #elapsed(): string {
    return formatDuration(performance.now() - this.#startMs!, 1);
  }

  #line(text: string): void {
    this.#stderr.line(text);
    // A failure surfaces at the next flush.
    this.#stderr.flush().catch(() => {});
  }
}

/** Reports that a consumer continues at another offset, as described by the error. */
export function warnOfReset(stderr: Output, error: Error): void {
  stderr.line(`${stderr.style.yellow("Warning:")} ${error.message}`);
  stderr.flush().catch(() => {});
}
