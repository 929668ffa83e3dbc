/**
 * Bytes as hexadecimal text, so that tests can show them.
 *
 * @module
 */

/** The bytes that pairs of hexadecimal digits name; everything else between them is decoration. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/[^0-9a-f]/gi, "");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** The text of bytes, two digits each, with spaces between. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
