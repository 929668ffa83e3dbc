/**
 * Bytes as hexadecimal text, for tests.
 *
 * @module
 */

/** Bytes from pairs of hexadecimal digits; other characters are ignored. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/[^0-9a-f]/gi, "");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Hexadecimal text of bytes, two digits each, separated by spaces. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
