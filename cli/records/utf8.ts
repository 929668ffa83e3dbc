/**
 * UTF-8 that is known to survive the way to a string and back.
 *
 * @module
 */

const encoder = new TextEncoder();
// A byte order mark is two bytes of somebody's data like any other.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** `bytes` as text, or undefined if they are not UTF-8 and the text could not give them back. */
export function decodeExactly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** `bytes` as text to look at: what is not UTF-8 becomes U+FFFD. */
export function decodeForDisplay(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

/** `text` in UTF-8. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
