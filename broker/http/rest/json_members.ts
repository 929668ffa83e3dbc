/**
 * The members of JSON objects and lists as text, so that numbers keep all their digits.
 *
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * Splits an object into the text of its members, without blanks around them. Of two with the same name
 * it has the last, like `JSON.parse`.
 *
 * @param text A valid JSON object.
 */
export function memberTexts(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = text.indexOf("{") + 1;
  for (;;) {
    const nameStart = text.indexOf('"', at);
    if (nameStart < 0) return members;
    const nameEnd = endOfString(text, nameStart);
    const start = text.indexOf(":", nameEnd) + 1;
    const end = endOfValue(text, start);
    members.set(JSON.parse(text.slice(nameStart, nameEnd)), text.slice(start, end).trim());
    if (text.charCodeAt(end) !== COMMA) return members;
    at = end + 1;
  }
}

/**
 * Splits a list into the text of its items, without blanks around them.
 *
 * @param text A valid JSON list.
 */
export function itemTexts(text: string): string[] {
  const items: string[] = [];
  let at = text.indexOf("[") + 1;
  for (;;) {
    const end = endOfValue(text, at);
    const item = text.slice(at, end).trim();
    if (item !== "") items.push(item);
    if (text.charCodeAt(end) !== COMMA) return items;
    at = end + 1;
  }
}

/** The position after the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return at;
}

/** The position of the comma or bracket after the value that begins at `at`. */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    const isOpening = code === 0x7b || code === 0x5b;
    const isClosing = code === 0x7d || code === 0x5d;
    if (depth === 0 && (code === COMMA || isClosing)) return at;
    if (isOpening) depth++;
    else if (isClosing) depth--;
    at++;
  }
  return at;
}
