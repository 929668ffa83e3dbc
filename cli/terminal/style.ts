/**
 * Colour for terminals.
 *
 * @module
 */

/** Adds terminal styles to text, or returns it unchanged. */
export interface Style {
  /** Headings and names. */
  bold(text: string): string;
  /** Less important text. */
  dim(text: string): string;
  /** Errors. */
  red(text: string): string;
  /** Success. */
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

/** Returns the styles with or without colour. */
export function styleFor(colored: boolean): Style {
  return colored ? COLORED : PLAIN;
}

function sgr(on: number, off: number): (text: string) => string {
  return (text) => (text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`);
}
