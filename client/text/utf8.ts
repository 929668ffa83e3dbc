/**
 * UTF-8 that round-trips through a string.
 *
 * @module
 */

const encoder = new TextEncoder();
// A byte order mark is ordinary data.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** `bytes` as text, or undefined if they are not UTF-8 and the text would not restore them. */
export function decodeExactly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** `bytes` as text for display: invalid UTF-8 becomes U+FFFD. */
export function decodeForDisplay(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

/** `text` as UTF-8. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
