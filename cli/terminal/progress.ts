/**
 * One line on standard error that says how far long work has come:
 *
 *     Producing  [########........]  50%  500,000 of 1,000,000 messages  212,000/s  2s left
 *
 * It is drawn on a terminal only, after half a second and then a few times a second at most, gets out of the way of whatever
 * else is printed, and is gone when the work is done. It has no timer of its own: it is drawn when
 * there is progress to tell.
 *
 * @module
 */

import { formatBytes } from "../values/bytes.ts";
import type { Context } from "./context.ts";
import { formatDuration } from "../values/duration.ts";
import type { Output } from "./output.ts";
import { truncateText } from "./text_width.ts";

const REDRAW_MS = 100;
/** What is done sooner needs no progress line, which would only flicker. */
const START_MS = 500;
/** The rate is that of the last seconds: it follows changes and does not flicker. */
const RATE_WINDOW_MS = 3000;
const BAR_WIDTH = 16;
const CLEAR_LINE = "\r\x1b[K";

/** What is in progress. */
export interface ProgressOptions {
  /** What is done, such as `Producing`. */
  readonly label: string;
  /** What is counted: a plural such as `messages`, or `bytes`. */
  readonly unit: string;
  /** How much there is to do, if that is known. */
  readonly total?: number;
  /** The least done per second from which the line is drawn. Default: any. */
  readonly minRate?: number;
  /** Whether nothing is drawn at all, because somebody types on the terminal. Default: no. */
  readonly isHidden?: boolean;
}

/** A progress line; `using` takes it away whatever happens. */
export class Progress implements Disposable {
  readonly #context: Context;
  readonly #options: ProgressOptions;
  readonly #outputs: readonly Output[];
  readonly #samples: { timeMs: number; done: number }[] = [];
  #done = 0;
  #drawAtMs: number;
  #isActive: boolean;

  /** Begins at nothing done. Nothing is drawn before the first {@linkcode update}. */
  constructor(context: Context, options: ProgressOptions) {
    this.#context = context;
    this.#options = options;
    this.#isActive = context.stderr.isTerminal && options.isHidden !== true;
    this.#outputs = [context.stderr, context.stdout].filter((output) => output.isTerminal);
    const nowMs = context.now();
    this.#drawAtMs = nowMs + START_MS;
    this.#sample(nowMs);
  }

  /** Adds to what is done. */
  add(amount: number): void {
    this.update(this.#done + amount);
  }

  /** Says how much is done in all. */
  update(done: number): void {
    this.#done = done;
    if (!this.#isActive) return;
    const nowMs = this.#context.now();
    if (nowMs < this.#drawAtMs) return;
    this.#sample(nowMs);
    if ((this.#rate() ?? 0) < (this.#options.minRate ?? 0)) return this.#clear();
    // Half a line of somebody's output must not be drawn over.
    if (!this.#outputs.every((output) => output.isAtLineStart)) return;
    this.#drawAtMs = nowMs + REDRAW_MS;
    for (const output of this.#outputs) output.overlay = CLEAR_LINE;
    this.#context.stderr.sendNow(CLEAR_LINE + truncateText(this.#line(), this.#columns()));
  }

  /** Takes the line away; nothing more is drawn. Doing it twice does no harm. */
  finish(): void {
    if (!this.#isActive) return;
    this.#isActive = false;
    this.#clear();
  }

  [Symbol.dispose](): void {
    this.finish();
  }

  #clear(): void {
    const isDrawn = this.#context.stderr.overlay !== undefined;
    for (const output of this.#outputs) output.overlay = undefined;
    if (isDrawn) this.#context.stderr.sendNow(CLEAR_LINE);
  }

  /** The last column stays free: a character there makes some terminals go to the next line. */
  #columns(): number {
    return Math.max(1, this.#context.stderr.columns - 1);
  }

  #sample(timeMs: number): void {
    this.#samples.push({ timeMs, done: this.#done });
    while (this.#samples.length > 2 && timeMs - this.#samples[1]!.timeMs >= RATE_WINDOW_MS) {
      this.#samples.shift();
    }
  }

  #line(): string {
    const { label, total } = this.#options;
    const rate = this.#rate();
    const parts = [label];
    if (total !== undefined && total > 0) {
      const share = Math.min(1, this.#done / total);
      const filled = Math.floor(share * BAR_WIDTH);
      parts.push(`[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}]`);
      parts.push(`${Math.floor(share * 100)}%`.padStart(4));
    }
    parts.push(this.#amount(this.#done, total));
    if (rate !== undefined) {
      parts.push(`${this.#quantity(Math.round(rate))}/s`);
      const left = total === undefined ? 0 : total - this.#done;
      if (left > 0 && rate > 0) {
        parts.push(`${formatDuration(Math.ceil(left / rate) * 1000, 2)} left`);
      }
    }
    return parts.join("  ");
  }

  #amount(done: number, total: number | undefined): string {
    const all = total === undefined ? "" : ` of ${this.#quantity(total)}`;
    const unit = this.#options.unit === "bytes" ? "" : ` ${this.#options.unit}`;
    return this.#quantity(done) + all + unit;
  }

  #quantity(amount: number): string {
    return this.#options.unit === "bytes" ? formatBytes(amount) : grouped(amount);
  }

  /** Per second; undefined while nothing can be said. */
  #rate(): number | undefined {
    const first = this.#samples[0]!;
    const last = this.#samples[this.#samples.length - 1]!;
    const elapsedMs = last.timeMs - first.timeMs;
    return elapsedMs <= 0 ? undefined : (last.done - first.done) * 1000 / elapsedMs;
  }
}

/** A whole number with commas. Intl would do it, for a millisecond of everybody's start. */
function grouped(amount: number): string {
  return String(amount).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
