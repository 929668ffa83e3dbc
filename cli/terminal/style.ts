/**
 * Colour for terminals.
 *
 * @module
 */

/** Marks text up for a terminal, or leaves it as it is. */
export interface Style {
  /** Headings and names. */
  bold(text: string): string;
  /** What is of less interest. */
  dim(text: string): string;
  /** Errors. */
  red(text: string): string;
  /** What is well. */
  green(text: string): string;
  /** Warnings. */
  yellow(text: string): string;
  /** Values that stand out. */
  cyan(text: string): string;
}

const plain = (text: string) => text;
const PLAIN: Style = {
  bold: plain,
  dim: plain,
  red: plain,
  green: plain,
  yellow: plain,
  cyan: plain,
};
const COLORED: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  cyan: sgr(36, 39),
};

/** The styles to use where colour is wanted or not. */
export function styleFor(colored: boolean): Style {
  return colored ? COLORED : PLAIN;
}

function sgr(on: number, off: number): (text: string) => string {
  return (text) => (text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`);
}
