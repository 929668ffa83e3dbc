/**
 * Redraws the whole screen of a terminal, as `watch` and `top` do.
 *
 * It uses the alternate screen of the terminal, so the previous content returns at the end; the
 * last drawing is then printed below it. Each drawing is sent immediately and overwrites the
 * previous one without clearing first, so nothing flickers.
 *
 * @module
 */

import type { Output } from "./output.ts";

/** Alternate screen, no cursor, and no line wrapping: a line must not take two rows. */
const OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const TO_TOP = "\x1b[H";
const CLEAR_REST_OF_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** A screen; `await using` restores the terminal in any case. */
export class Screen implements AsyncDisposable {
  readonly #output: Output;
  #last: string | undefined;

  /** Switches to the alternate screen on the first drawing. */
  constructor(output: Output) {
    this.#output = output;
  }

  /**
   * Draws the screen. Lines that do not fit are counted on the last row.
   *
   * @param text Lines, each with a newline.
   * @param heading A line above them, not kept at the end.
   */
  async draw(text: string, heading: string): Promise<void> {
    const { rows, style } = this.#output;
    const lines = [heading, "", ...text.trimEnd().split("\n")];
    const hidden = lines.length - rows;
    if (hidden > 0) lines.splice(rows - 1, lines.length, style.dim(`… ${hidden + 1} more lines`));
    if (this.#last === undefined) this.#output.write(OPEN);
    this.#last = text;
    this.#output.write(TO_TOP);
    this.#output.write(lines.map((line) => line + CLEAR_REST_OF_LINE).join("\r\n"));
    this.#output.write(CLEAR_BELOW);
    await this.#output.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#last === undefined) return;
    this.#output.write(CLOSE + this.#last);
    this.#last = undefined;
    // A closed terminal surfaces at the next flush.
    await this.#output.flush().catch(() => {});
  }
}
