/**
 * Output of `log dump`. Rows are printed as they are read, because log files may exceed memory;
 * columns therefore have fixed widths.
 *
 * @module
 */

import type { Context } from "../../../terminal/context.ts";
import { ExitCode } from "../../../errors.ts";
import { type Json, writeJsonLine } from "../../../records/json.ts";
import type { Style } from "../../../terminal/style.ts";
import { escapeControls, textWidth } from "../../../terminal/text_width.ts";

const GAP = "  ";

/** A column: its heading, and a width that fits most cells. */
export interface DumpColumn {
  readonly heading: string;
  /** Negative widths align left. */
  readonly width: number;
}

/** A row, as cells for people and as JSON for scripts. */
interface DumpRow {
  readonly cells: readonly (string | number)[];
  readonly json: { readonly [name: string]: Json };
}

/** Prints the contents of files. */
export class DumpOutput {
  readonly #context: Context;
  readonly #isJson: boolean;
  #path = "";
  #type = "";
  #columns: readonly DumpColumn[] = [];
  #hasHeadings = false;
  #fileCount = 0;
  /** Number of damaged places in all files. */
  problemCount = 0;

  constructor(context: Context, output: "table" | "json") {
    this.#context = context;
    this.#isJson = output === "json";
  }

  get isJson(): boolean {
    return this.#isJson;
  }

  get style(): Style {
    return this.#context.stdout.style;
  }

  /**
   * Starts the output for a file.
   *
   * @param type Type of the file, such as `segment`.
   */
  file(path: string, type: string, columns: readonly DumpColumn[]): void {
    this.#path = path;
    this.#type = type;
    this.#columns = columns;
    this.#hasHeadings = false;
    if (this.#isJson) return;
    const { stdout } = this.#context;
    if (this.#fileCount++ > 0) stdout.line();
    stdout.line(`${this.style.bold(escapeControls(path))}  ${this.style.dim(type)}`);
  }

  /** Prints a row, and waits while the reader is slower. */
  async row({ cells, json }: DumpRow): Promise<void> {
    const { stdout } = this.#context;
    if (this.#isJson) {
      writeJsonLine(stdout, { file: this.#path, type: this.#type, ...json });
    } else {
      if (!this.#hasHeadings) {
        this.#hasHeadings = true;
        const headings = this.#columns.map(({ heading }) => heading);
        stdout.line(this.style.bold(this.#layOut(headings)));
      }
      stdout.line(this.#layOut(cells));
    }
    await this.#flushIfFull();
  }

  /** Prints text for the previous row unchanged. Text output only. */
  async text(write: (context: Context) => void): Promise<void> {
    write(this.#context);
    await this.#flushIfFull();
  }

  /** Reports that the file is empty. */
  empty(): void {
    if (!this.#isJson) this.#context.stdout.line(this.style.dim("empty"));
  }

  /** Reports damage. The command continues, and exits with 1. */
  problem(text: string, json: { readonly [name: string]: Json } = {}): void {
    this.problemCount++;
    this.#context.exitCode = ExitCode.failure;
    const { stdout } = this.#context;
    if (this.#isJson) {
      writeJsonLine(stdout, { file: this.#path, type: "problem", ...json, problem: text });
    } else {
      stdout.line(this.style.red(escapeControls(text)));
    }
  }

  /**
   * Reports something noteworthy that is not damage.
   *
   * @param json Properties of its line in JSON. Default: there is no such line.
   */
  note(text: string, json?: { readonly [name: string]: Json }): void {
    const { stdout } = this.#context;
    if (!this.#isJson) stdout.line(this.style.dim(escapeControls(text)));
    else if (json !== undefined) {
      writeJsonLine(stdout, { file: this.#path, type: this.#type, ...json });
    }
  }

  async #flushIfFull(): Promise<void> {
    const { stdout, signal } = this.#context;
    if (!stdout.isFull) return;
    await stdout.flush();
    signal.throwIfAborted();
  }

  #layOut(cells: readonly (string | number)[]): string {
    return this.#columns.map(({ width }, i) => {
      const text = escapeControls(String(cells[i] ?? ""));
      const padding = " ".repeat(Math.max(0, Math.abs(width) - textWidth(text)));
      return width < 0 ? text + padding : padding + text;
    }).join(GAP).trimEnd();
  }
}
