/**
 * Reads the few small frames of a client that has not authenticated.
 *
 * Memory grows with what has arrived, not with what a frame claims to have. Nothing is lost when
 * another reader takes over: what has been read too far is returned.
 *
 * @module
 */

import { FrameSizeError, TruncatedFrameError } from "../../../protocol/frames/framing.ts";

/** Options of {@linkcode SmallFrameReader}. */
export interface SmallFrameReaderOptions {
  /** The largest frame in bytes. */
  readonly maxSize: number;
  /** Called with the size of the buffer when it changes. */
  readonly onHeld: (bytes: number) => void;
}

const SIZE_BYTES = 4;
/** The first buffer: enough for every frame of the usual clients. */
const FIRST_BUFFER_BYTES = 1024;

/** Reads frames from a byte stream, which it locks. */
export class SmallFrameReader {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #options: SmallFrameReaderOptions;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BUFFER_BYTES);
  #start = 0;
  #end = 0;

  constructor(readable: ReadableStream<Uint8Array>, options: SmallFrameReaderOptions) {
    this.#reader = readable.getReader({ mode: "byob" });
    this.#options = options;
    options.onHeld(this.#buffer.length);
  }

  /** The first bytes that have arrived and belong to no complete frame, at most `count`. */
  peek(count: number): Uint8Array {
    return this.#buffer.slice(this.#start, Math.min(this.#end, this.#start + count));
  }

  /**
   * Returns a copy of the next frame, or null at the end of the stream.
   *
   * @throws {FrameSizeError} If the frame is empty, or its size negative or above the limit.
   * @throws {TruncatedFrameError} If the stream ends inside a frame.
   */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const size = this.#nextSize();
      const from = this.#start + SIZE_BYTES;
      if (size !== undefined && from + size <= this.#end) {
        this.#start = from + size;
        return this.#buffer.slice(from, from + size);
      }
      this.#makeRoom(SIZE_BYTES + (size ?? 0));
      const { value, done } = await this.#reader.read(this.#buffer.subarray(this.#end));
      if (done || value === undefined) {
        if (this.#end === this.#start) return null;
        throw new TruncatedFrameError(`Stream ended ${this.#end - this.#start} bytes into a frame`);
      }
      this.#buffer = new Uint8Array(value.buffer);
      this.#end += value.length;
    }
  }

  /** Unlocks the stream, and returns the bytes that were read too far. */
  release(): Uint8Array<ArrayBuffer> {
    this.#reader.releaseLock();
    return this.#buffer.slice(this.#start, this.#end);
  }

  /** Ends the stream. */
  cancel(): void {
    this.#reader.cancel().catch(() => {});
  }

  #nextSize(): number | undefined {
    if (this.#end - this.#start < SIZE_BYTES) return undefined;
    const view = new DataView(this.#buffer.buffer, this.#start, SIZE_BYTES);
    const size = view.getInt32(0);
    if (size > 0 && size <= this.#options.maxSize) return size;
    throw new FrameSizeError(
      `Cannot accept frame of ${size} bytes before authentication: the limit is ` +
        this.#options.maxSize,
      size,
    );
  }

  /** Moves what is left to the front, and doubles a buffer that is full, up to what is needed. */
  #makeRoom(needed: number): void {
    const held = this.#end - this.#start;
    if (this.#start > 0) this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#start = 0;
    this.#end = held;
    if (held < this.#buffer.length) return;
    const grown = new Uint8Array(Math.min(this.#buffer.length * 2, needed));
    grown.set(this.#buffer);
    this.#buffer = grown;
    this.#options.onHeld(grown.length);
  }
}
