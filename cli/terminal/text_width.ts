/**
 * Width of text on a terminal, and escaping of control characters.
 *
 * `unicodeWidth()` of `@std/cli` is not used: its npm build lacks the data file that it reads, and it
 * adds up code points where a terminal shows one grapheme.
 *
 * @module
 */

/** East Asian Wide and Fullwidth, by block (Unicode 17, UAX #11); emoji are matched by property. */
const WIDE_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18df2],
  [0x1aff0, 0x1b2fb],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;
const EMOJI_VARIATION = "\ufe0f";
const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;

let segmenter: Intl.Segmenter | undefined;

/** Number of columns of `text`; control characters have none. */
export function textWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

/**
 * Cuts `text` to `maxWidth` columns, the last of which is then an ellipsis.
 *
 * @param maxWidth Columns, at least 1.
 */
export function truncateText(text: string, maxWidth: number): string {
  if (textWidth(text) <= maxWidth) return text;
  let width = 0;
  let kept = "";
  for (const { segment } of graphemes(text)) {
    width += graphemeWidth(segment);
    if (width > maxWidth - 1) break;
    kept += segment;
  }
  return kept + "…";
}

/**
 * Makes control characters visible (`\n`, `\x1b`), so a message cannot break a table or control the
 * terminal.
 */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (control) => {
    if (control === "\n") return "\\n";
    if (control === "\t") return "\\t";
    if (control === "\r") return "\\r";
    const code = control.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code}`;
  });
}

function graphemes(text: string): Iterable<{ segment: string }> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

function graphemeWidth(grapheme: string): number {
  if (grapheme.includes(EMOJI_VARIATION)) return 2;
  let width = 0;
  for (const character of grapheme) width = Math.max(width, characterWidth(character));
  return width;
}

function characterWidth(character: string): number {
  const codePoint = character.codePointAt(0)!;
  if (codePoint < 0x300) return codePoint < 0x20 || (codePoint >= 0x7f && codePoint < 0xa0) ? 0 : 1;
  if (ZERO_WIDTH.test(character)) return 0;
  if (EMOJI.test(character)) return 2;
  return WIDE_RANGES.some(([first, last]) => codePoint >= first && codePoint <= last) ? 2 : 1;
}
