/**
 * A growing buffer of text and bytes.
 *
 * @module
 */

const MIN_CAPACITY = 1024;
const SHORT_LENGTH = 32;
const encoder = new TextEncoder();

/** Collects output, which is then sent in large pieces. */
export class ByteBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  readonly #capacity: number;

  /** @param capacity Initial size in bytes, also after each {@linkcode take}. */
  constructor(capacity = MIN_CAPACITY) {
    this.#capacity = Math.max(capacity, MIN_CAPACITY);
    this.#bytes = new Uint8Array(this.#capacity);
  }

  /** Number of bytes appended since the last {@linkcode take}. */
  get length(): number {
    return this.#length;
  }

  /** Appends one byte, the low 8 bits of `value`. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Appends a copy of `chunk`. */
  bytes(chunk: Uint8Array): void {
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#length);
    this.#length += chunk.length;
  }

  /** Appends `text` in UTF-8. */
  text(text: string): void {
    // A UTF-16 code unit becomes at most 3 bytes of UTF-8.
    this.#reserve(text.length * 3);
    if (text.length <= SHORT_LENGTH && this.#ascii(text)) return;
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Removes what was appended after `length`, which must not exceed the current length. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** Returns the content, which the caller then owns; the buffer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    // A small amount, as when following a quiet topic, is copied, which avoids a new buffer.
    const isLittle = this.#length < this.#capacity / 4 && this.#bytes.length === this.#capacity;
    const taken = isLittle
      ? this.#bytes.slice(0, this.#length)
      : this.#bytes.subarray(0, this.#length);
    if (!isLittle) this.#bytes = new Uint8Array(this.#capacity);
    this.#length = 0;
    return taken;
  }

  /** Appends `text` if it is ASCII: for numbers and names this is faster than the encoder. */
  #ascii(text: string): boolean {
    const start = this.#length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      this.#bytes[start + i] = code;
    }
    this.#length = start + text.length;
    return true;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
