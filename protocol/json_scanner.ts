/**
 * Finds the end of a JSON value in bytes that arrive in pieces.
 *
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Finds the end of one JSON value. It validates nothing else: `JSON.parse` does. */
export class JsonScanner {
  #position = 0;
  #depth = 0;
  #inString = false;
  #inScalar = false;

  /**
   * Continues scanning.
   *
   * @param bytes All bytes from the start of the value; more than in the previous call.
   * @param isAll Whether no more bytes will come.
   * @returns Size of the value, including blanks before it, or undefined if more bytes are needed.
   */
  scan(bytes: Uint8Array, isAll: boolean): number | undefined {
    while (this.#position < bytes.length) {
      const byte = bytes[this.#position]!;
      if (this.#inString) {
        if (byte === BACKSLASH) this.#position++;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#depth === 0) return this.#position + 1;
        }
      } else if (this.#inScalar) {
        if (!isScalarByte(byte)) return this.#position;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === 0x7b || byte === 0x5b) {
        this.#depth++;
      } else if (byte === 0x7d || byte === 0x5d) {
        if (--this.#depth <= 0) return this.#position + 1;
      } else if (this.#depth === 0 && !isBlank(byte)) {
        // Valid or not, it ends where scalars end.
        if (!isScalarByte(byte)) return this.#position + 1;
        this.#inScalar = true;
      }
      this.#position++;
    }
    return isAll && this.#inScalar ? bytes.length : undefined;
  }
}

/** Whether a byte is JSON whitespace. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Letters, digits and `+ - .`: numbers, true, false and null. */
function isScalarByte(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e;
}
