/**
 * UUIDs in Kafka's text form: the 16 bytes as 22 characters of base64url without padding.
 *
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Uint8Array(128).fill(0xff);
for (let i = 0; i < 64; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

const TEXT_LENGTH = 22;

/** The UUID of all zeros, which means "no id" on the wire. */
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

/** Returns the text of the 16 bytes at `position`. */
export function uuidToString(bytes: Uint8Array, position = 0): string {
  let text = "";
  for (let at = position; at < position + 15; at += 3) {
    const group = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    text += ALPHABET[group >> 18]! + ALPHABET[group >> 12 & 63]! + ALPHABET[group >> 6 & 63]! +
      ALPHABET[group & 63]!;
  }
  const last = bytes[position + 15]!;
  return text + ALPHABET[last >> 2]! + ALPHABET[(last & 3) << 4]!;
}

/**
 * Writes the 16 bytes of a UUID's text to `into` at `position`.
 *
 * @throws {TypeError} if `text` is not 22 characters of base64url.
 */
export function uuidToBytes(text: string, into: Uint8Array, position = 0): void {
  if (typeof text !== "string" || text.length !== TEXT_LENGTH) throw invalid(text);
  let bits = 0;
  let held = 0;
  let at = position;
  for (let i = 0; i < TEXT_LENGTH; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? 0xff;
    if (value === 0xff) throw invalid(text);
    bits = (bits << 6 | value) & 0x3fff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      into[at++] = bits >> held;
    }
  }
  if ((bits & (1 << held) - 1) !== 0) throw invalid(text);
}

function invalid(text: string): TypeError {
  return new TypeError(`Cannot read UUID "${text}": it is not 22 characters of base64url`);
}

/** Returns a new random UUID that, like Kafka's, does not start with a dash. */
export function randomUuid(): string {
  const bytes = new Uint8Array(16);
  for (;;) {
    crypto.getRandomValues(bytes);
    bytes[6] = bytes[6]! & 0x0f | 0x40;
    bytes[8] = bytes[8]! & 0x3f | 0x80;
    const text = uuidToString(bytes);
    if (!text.startsWith("-")) return text;
  }
}
