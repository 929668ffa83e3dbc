/**
 * Tables for people: aligned columns, numbers on the right, bold headings on a terminal.
 *
 * @module
 */

import { int64Text } from "../../protocol/primitives/int64.ts";
import type { Context } from "./context.ts";
import { type Style, styleFor } from "./style.ts";
import { escapeControls, textWidth, truncateText } from "./text_width.ts";

const GAP = "  ";
const NOTHING = "-";

/** Content of a cell; null is shown as `-`. */
type Cell = string | number | boolean | null | undefined;

/** A column of a table of `Row`s. */
export interface Column<Row> {
  /** Heading, in capitals by convention. */
  readonly heading: string;
  /** Returns the cell of a row. */
  readonly cell: (row: Row) => Cell;
  /** Alignment. Default: right if all its cells are numbers. */
  readonly align?: "left" | "right";
  /** Colour of a cell on a terminal, applied after alignment. */
  readonly paint?: (style: Style, row: Row) => (text: string) => string;
  /** Maximum width in columns on a terminal; in a pipe text is never cut. */
  readonly maxWidth?: number;
}

/** Layout of a table. */
interface TableOptions {
  /** Default: no colours. */
  readonly style?: Style;
  /** Whether columns may be cut to their `maxWidth`. Default: no. */
  readonly isTerminal?: boolean;
}

/**
 * Formats a table.
 *
 * Control characters in cells are made visible, so the content of a topic cannot break the table or
 * control the terminal.
 *
 * @returns Lines, each with a newline, headings first; without rows the headings only.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions = {},
): string {
  const style = options.style ?? styleFor(false);
  const laidOut = columns.map((column) => {
    const cells = rows.map(column.cell);
    const texts = cells.map((cell) => cellText(cell, options.isTerminal ? column.maxWidth : 0));
    const width = widest([column.heading, ...texts]);
    const isRight = column.align === undefined ? isNumeric(cells) : column.align === "right";
    return { column, texts, width, isRight };
  });
  let table = formatLine(
    laidOut.map(({ column, width, isRight }) => align(column.heading, width, isRight, style.bold)),
  );
  rows.forEach((row, i) => {
    table += formatLine(laidOut.map(({ column, texts, width, isRight }) => {
      return align(texts[i]!, width, isRight, column.paint?.(style, row));
    }));
  });
  return table;
}

/**
 * Prints a table on standard output or, if there are no rows, a message on standard error, where a
 * script does not mistake it for data.
 *
 * @param empty Such as `No topics`.
 */
export function printTable<Row>(
  context: Context,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  empty: string,
): void {
  if (rows.length === 0) context.stderr.line(empty);
  else context.stdout.write(formatTable(columns, rows, context.stdout));
}

/**
 * Formats names and values below each other, as `describe` does.
 *
 * @returns Lines, each with a newline.
 */
export function formatDetails(
  details: readonly (readonly [name: string, value: Cell])[],
  style: Style = styleFor(false),
): string {
  const width = widest(details.map(([name]) => name));
  return details
    .map(([name, value]) => formatLine([align(name, width, false, style.bold), cellText(value, 0)]))
    .join("");
}

function cellText(cell: Cell, maxWidth: number | undefined): string {
  if (cell === null || cell === undefined || cell === "") return NOTHING;
  const text = escapeControls(typeof cell === "number" ? numberText(cell) : String(cell));
  return maxWidth ? truncateText(text, maxWidth) : text;
}

/** A number; an int64 above 2^53 is shown as an integer. */
function numberText(value: number): string {
  return Number.isInteger(value) ? int64Text(value) : String(value);
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, textWidth(text)), 0);
}

function isNumeric(cells: readonly Cell[]): boolean {
  let hasNumber = false;
  for (const cell of cells) {
    if (typeof cell === "number") hasNumber = true;
    else if (cell !== null && cell !== undefined) return false;
  }
  return hasNumber;
}

function align(
  text: string,
  width: number,
  isRight: boolean,
  paint: (text: string) => string = (text) => text,
): string {
  const padding = " ".repeat(Math.max(0, width - textWidth(text)));
  return isRight ? padding + paint(text) : paint(text) + padding;
}

function formatLine(cells: readonly string[]): string {
  return cells.join(GAP).trimEnd() + "\n";
}
