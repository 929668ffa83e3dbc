/**
 * A progress line on standard error for long-running work:
 *
 *     Producing  [########........]  50%  500,000 of 1,000,000 messages  212,000/s  2s left
 *
 * It is drawn only on a terminal, after half a second and then a few times a second at most. It is
 * cleared before other output, and removed when the work is done. It has no timer: it is redrawn on
 * progress.
 *
 * @module
 */

import { formatBytes } from "../values/bytes.ts";
import type { Context } from "./context.ts";
import { formatDuration } from "../../client/text/duration.ts";
import type { Output } from "./output.ts";
import { truncateText } from "./text_width.ts";

const REDRAW_MS = 100;
/** Shorter work needs no progress line, which would only flicker. */
const START_MS = 500;
/** The rate is averaged over this time: it follows changes without flickering. */
const RATE_WINDOW_MS = 3000;
const BAR_WIDTH = 16;
const CLEAR_LINE = "\r\x1b[K";

/** Description of the work. */
interface ProgressOptions {
  /** The activity, such as `Producing`. */
  readonly label: string;
  /** Unit of the amount: a plural such as `messages`, or `bytes`. */
  readonly unit: string;
  /** Total amount, if known. */
  readonly total?: number;
  /** Minimum rate per second at which the line is drawn. Default: none. */
  readonly minRate?: number;
  /** Whether to draw nothing, because the user is typing on the terminal. Default: no. */
  readonly isHidden?: boolean;
}

/** A progress line; `using` removes it in any case. */
export class Progress implements Disposable {
  readonly #context: Context;
  readonly #options: ProgressOptions;
  readonly #outputs: readonly Output[];
  readonly #samples: { timeMs: number; done: number }[] = [];
  #done = 0;
  #drawAtMs: number;
  #isActive: boolean;

  /** Starts with no progress. Nothing is drawn before the first {@linkcode update}. */
  constructor(context: Context, options: ProgressOptions) {
    this.#context = context;
    this.#options = options;
    this.#isActive = context.stderr.isTerminal && options.isHidden !== true;
    this.#outputs = [context.stderr, context.stdout].filter((output) => output.isTerminal);
    const nowMs = context.now();
    this.#drawAtMs = nowMs + START_MS;
    this.#sample(nowMs);
  }

  /** Adds an amount to the progress. */
  add(amount: number): void {
    this.update(this.#done + amount);
  }

  /** Sets the progress. */
  update(done: number): void {
    this.#done = done;
    if (!this.#isActive) return;
    const nowMs = this.#context.now();
    if (nowMs < this.#drawAtMs) return;
    this.#sample(nowMs);
    if ((this.#rate() ?? 0) < (this.#options.minRate ?? 0)) return this.#clear();
    // A partial line of other output must not be overwritten.
    if (!this.#outputs.every((output) => output.isAtLineStart)) return;
    this.#drawAtMs = nowMs + REDRAW_MS;
    for (const output of this.#outputs) output.overlay = CLEAR_LINE;
    this.#context.stderr.sendNow(CLEAR_LINE + truncateText(this.#line(), this.#columns()));
  }

  /** Removes the line and draws nothing more. Safe to call again. */
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

  /** The last column stays empty: a character there makes some terminals wrap. */
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

  /** Rate per second; undefined while unknown. */
  #rate(): number | undefined {
    const first = this.#samples[0]!;
    const last = this.#samples[this.#samples.length - 1]!;
    const elapsedMs = last.timeMs - first.timeMs;
    return elapsedMs <= 0 ? undefined : (last.done - first.done) * 1000 / elapsedMs;
  }
}

/** An integer with commas. Intl would take a millisecond at the start of the program. */
function grouped(amount: number): string {
  return String(amount).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
