/**
 * The whole screen of a terminal, drawn anew again and again, as `watch` and `top` do.
 *
 * It is the terminal's other screen, so what stood there before comes back in the end; what was drawn
 * last is then printed below it, to be kept. Each drawing is sent at once and overwrites the one before
 * without clearing first, so nothing flickers.
 *
 * @module
 */

import type { Output } from "./output.ts";

/** The other screen, no cursor, and lines cut at the edge: they must not take two rows. */
const OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const TO_TOP = "\x1b[H";
const CLEAR_REST_OF_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** A screen; `await using` gives it back whatever happens. */
export class Screen implements AsyncDisposable {
  readonly #output: Output;
  #last: string | undefined;

  /** Takes the screen of a terminal when it is first drawn. */
  constructor(output: Output) {
    this.#output = output;
  }

  /**
   * Draws the screen. Lines below its last row are counted there.
   *
   * @param text lines, each with a newline
   * @param heading a line above them, which is not kept in the end
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
    // A terminal that is gone shows at the next flush again.
    await this.#output.flush().catch(() => {});
  }
}
