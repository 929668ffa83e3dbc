/**
 * Bytes of a stream as seen by a parser: a window that moves forward.
 *
 * Returned bytes are views that stay valid, because the window only appends to memory after them or
 * moves to new memory. Data that spans chunks is joined by doubling, so a value of any size is
 * copied a bounded number of times.
 *
 * @module
 */

/** A window on a stream of bytes. */
export class ByteSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #position = 0;
  #isEnded = false;
  /** Whether the memory can be appended to; a chunk of the stream cannot. */
  #isOwned = false;

  /** Locks the stream. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Number of bytes of the stream taken so far. */
  get position(): number {
    return this.#position;
  }

  /** Number of bytes available. */
  get available(): number {
    return this.#end - this.#start;
  }

  /** Whether the stream has ended, so no more bytes become available. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The available byte at `index`. */
  at(index: number): number {
    return this.#bytes[this.#start + index]!;
  }

  /** Takes the next `size` bytes, which must be available, as a view. */
  take(size: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#start, this.#start + size);
    this.skip(size);
    return taken;
  }

  /** Returns up to `size` available bytes without taking them. */
  peek(size: number): Uint8Array {
    return this.#bytes.subarray(this.#start, Math.min(this.#start + size, this.#end));
  }

  /** Skips `size` bytes, which must be available. */
  skip(size: number): void {
    this.#start += size;
    this.#position += size;
  }

  /** Position of `pattern` in the available bytes, at or after `from`; -1 if not found. */
  indexOf(pattern: Uint8Array, from: number): number {
    const first = pattern[0]!;
    const last = this.#end - pattern.length;
    // Searching the spare memory after a large value on each chunk would take quadratic time.
    const bytes = this.#end === this.#bytes.length
      ? this.#bytes
      : this.#bytes.subarray(0, this.#end);
    let at = this.#start + from;
    while (at <= last) {
      at = bytes.indexOf(first, at);
      if (at === -1 || at > last) return -1;
      if (matches(this.#bytes, at, pattern)) return at - this.#start;
      at++;
    }
    return -1;
  }

  /** Whether `pattern` starts among the first `size` available bytes. */
  hasWithin(pattern: Uint8Array, size: number): boolean {
    const last = Math.min(this.#start + size - 1, this.#end - pattern.length);
    for (let at = this.#start; at <= last; at++) {
      if (this.#bytes[at] === pattern[0] && matches(this.#bytes, at, pattern)) return true;
    }
    return false;
  }

  /** Whether `pattern` comes next. */
  startsWith(pattern: Uint8Array): boolean {
    return pattern.length <= this.available && matches(this.#bytes, this.#start, pattern);
  }

  /** Waits for more bytes: afterwards more are available, or the stream has ended. */
  async fill(): Promise<void> {
    const { value: chunk, done } = await this.#reader.read();
    if (done) this.#isEnded = true;
    else if (this.available === 0) this.#adopt(chunk);
    else this.#append(chunk);
  }

  /** Cancels the stream; a pending {@linkcode fill} returns as if the stream had ended. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }

  #adopt(chunk: Uint8Array): void {
    this.#bytes = chunk;
    this.#start = 0;
    this.#end = chunk.length;
    this.#isOwned = false;
  }

  #append(chunk: Uint8Array): void {
    const size = this.available + chunk.length;
    if (!this.#isOwned || this.#end + chunk.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.available));
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = grown;
      this.#end -= this.#start;
      this.#start = 0;
      this.#isOwned = true;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}

function matches(bytes: Uint8Array, position: number, pattern: Uint8Array): boolean {
  for (let i = 1; i < pattern.length; i++) {
    if (bytes[position + i] !== pattern[i]) return false;
  }
  return pattern.length === 0 || bytes[position] === pattern[0];
}
