/**
 * Frames in byte streams: a four-byte size, then that many bytes.
 *
 * Reading uses a BYOB reader. Small frames arrive many per read in one scratch buffer. They are
 * copied out of it, because the next read transfers the scratch buffer to the stream and so
 * detaches every view of it. The copies lie side by side in memory that is never overwritten. A
 * frame that does not fit the scratch buffer gets its own memory, and the stream reads directly
 * into it. In both cases views of a frame remain valid indefinitely, unless the frame is recycled:
 * a caller that knows that a frame is no longer used may return its memory for reuse.
 *
 * Writing gathers: frames are encoded into one `Writer`, and a flush passes the socket everything
 * encoded during this turn of the event loop, or during the previous write.
 *
 * @module
 */

import { BufferPool } from "./buffer_pool.ts";
import { type Chunks, joinBytes, Writer } from "../primitives/writer.ts";

/** Thrown when the declared size of a frame is negative or above the limit. */
export class FrameSizeError extends Error {
  /** The name of the class. */
  override name = "FrameSizeError";
  /** The declared size. */
  readonly size: number;

  /** Creates an error for a declared size. */
  constructor(message: string, size: number) {
    super(message);
    this.size = size;
  }
}

/** Thrown when the peer closes the stream inside a frame. */
export class TruncatedFrameError extends Error {
  /** The name of the class. */
  override name = "TruncatedFrameError";
}

/** Limits of a `FrameReader`. */
export interface FrameReaderOptions {
  /** Maximum frame size in bytes (`socket.request.max.bytes`). */
  readonly maxFrameSize: number;
  /**
   * Maximum size of the first frame in bytes, which tells a peer of another protocol early. Default:
   * `maxFrameSize`.
   */
  readonly maxFirstFrameSize?: number;
  /**
   * Called and awaited before memory for a large frame is allocated. It may delay the frame, or
   * throw or reject to end the connection. It receives the size of the frame and its first bytes,
   * at least two, which are valid during the call.
   */
  readonly admit?: (size: number, head: Uint8Array) => Promise<void> | undefined;
  /** Bytes that another reader of the stream has read already. Default: none. */
  readonly unread?: Uint8Array;
}

const SIZE_BYTES = 4;
/** Bytes of a large frame read before `admit` is called: the API key of a request. */
const HEAD_BYTES = 2;
const SCRATCH_MIN = 4 * 1024;
const SCRATCH_MAX = 64 * 1024;

/** Memory for large frames of all connections. */
const buffers = new BufferPool();

/** Frames up to this size share memory: an allocation costs more than the copy. */
const SHARED_FRAME_MAX = 4 * 1024;
const SHARED_SIZE = 64 * 1024;
let shared = new Uint8Array(SHARED_SIZE);
let sharedUsed = 0;

/** A copy of a part of `bytes` in memory that is never overwritten. */
function copyOf(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): Uint8Array<ArrayBuffer> {
  const size = to - from;
  if (size > SHARED_FRAME_MAX) {
    const copy = buffers.take(size);
    copy.set(bytes.subarray(from, to));
    return copy;
  }
  if (sharedUsed + size > SHARED_SIZE) {
    shared = new Uint8Array(SHARED_SIZE);
    sharedUsed = 0;
  }
  const copy = shared.subarray(sharedUsed, sharedUsed + size);
  copy.set(bytes.subarray(from, to));
  sharedUsed += size;
  return copy;
}

/** Splits a byte stream into frames. */
export class FrameReader {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #options: FrameReaderOptions;
  #scratch: Uint8Array<ArrayBuffer> = new Uint8Array(SCRATCH_MIN);
  #start = 0;
  #end = 0;
  /** Whether the last read filled the buffer, so more data is probably available. */
  #isFull = false;
  #isInsideLarge = false;
  #received = 0;
  #limit: number;

  /** Locks `readable` and reads it to its end. */
  constructor(readable: ReadableStream<Uint8Array>, options: FrameReaderOptions) {
    this.#reader = readable.getReader({ mode: "byob" });
    this.#options = options;
    this.#limit = options.maxFirstFrameSize ?? options.maxFrameSize;
    const { unread } = options;
    if (unread === undefined || unread.length === 0) return;
    this.#scratch = new Uint8Array(Math.max(SCRATCH_MIN, unread.length));
    this.#scratch.set(unread);
    this.#end = unread.length;
  }

  /**
   * Returns the bytes of the next frame without its size, if it has already arrived.
   *
   * @throws {FrameSizeError} if the frame's size is negative or above the limit.
   */
  buffered(): Uint8Array<ArrayBuffer> | undefined {
    const size = this.#nextSize();
    if (size === undefined) return undefined;
    const from = this.#start + SIZE_BYTES;
    if (from + size > this.#end) return undefined;
    this.#start = from + size;
    this.#limit = this.#options.maxFrameSize;
    return copyOf(this.#scratch, from, from + size);
  }

  /** Total number of bytes of large frames that have arrived so far. */
  get received(): number {
    return this.#received;
  }

  /** Whether the reader is waiting for the rest of a large frame. */
  get isInsideLarge(): boolean {
    return this.#isInsideLarge;
  }

  /** Whether a frame has already arrived; false for one that `buffered()` would throw for. */
  get hasBuffered(): boolean {
    const held = this.#end - this.#start;
    if (held < SIZE_BYTES) return false;
    const size = this.#declaredSize();
    return size >= 0 && SIZE_BYTES + size <= held;
  }

  /**
   * Returns the bytes of the next frame without its size, or null at the end of the stream.
   *
   * @throws {FrameSizeError} if the frame's size is negative or above the limit.
   * @throws {TruncatedFrameError} if the stream ends inside a frame.
   */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const frame = this.buffered();
      if (frame !== undefined) return frame;
      const size = this.#nextSize() ?? 0;
      const isLarge = size + SIZE_BYTES > SCRATCH_MAX;
      if (isLarge && this.#end - this.#start >= SIZE_BYTES + HEAD_BYTES) {
        return await this.#large(size);
      }
      this.#makeRoom(isLarge ? HEAD_BYTES : size);
      const room = this.#end === 0 ? this.#scratch : this.#scratch.subarray(this.#end);
      const { value, done } = await this.#reader.read(room);
      if (done || value === undefined) {
        if (this.#end === this.#start) return null;
        throw new TruncatedFrameError(`Stream ended ${this.#end - this.#start} bytes into a frame`);
      }
      this.#scratch = new Uint8Array(value.buffer);
      this.#end += value.length;
      this.#isFull = this.#end === this.#scratch.length;
    }
  }

  /** Takes back the memory of a frame that is no longer used. */
  recycle(frame: Uint8Array<ArrayBuffer>): void {
    if (frame.length > SHARED_FRAME_MAX) buffers.give(frame);
  }

  /** Ends the stream; a pending `next()` then resolves to null. */
  cancel(): void {
    this.#reader.cancel().catch(() => {});
  }

  #nextSize(): number | undefined {
    if (this.#end - this.#start < SIZE_BYTES) return undefined;
    const size = this.#declaredSize();
    if (size < 0 || size > this.#limit) {
      throw new FrameSizeError(
        `Cannot accept frame of ${size} bytes: the limit is ${this.#limit}`,
        size,
      );
    }
    return size;
  }

  #declaredSize(): number {
    const bytes = this.#scratch;
    const at = this.#start;
    return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
  }

  /** Ensures that a frame of `size` bytes fits in the scratch buffer. */
  #makeRoom(size: number): void {
    const scratch = this.#scratch;
    const held = this.#end - this.#start;
    if (scratch.length < SCRATCH_MAX && (this.#isFull || size + SIZE_BYTES > scratch.length)) {
      this.#scratch = new Uint8Array(SCRATCH_MAX);
      this.#scratch.set(scratch.subarray(this.#start, this.#end));
    } else if (held > 0) {
      scratch.copyWithin(0, this.#start, this.#end);
    } else if (scratch.length > SCRATCH_MIN && this.#end < SCRATCH_MIN) {
      // An idle connection should not hold a large buffer.
      this.#scratch = new Uint8Array(SCRATCH_MIN);
    }
    this.#start = 0;
    this.#end = held;
  }

  async #large(size: number): Promise<Uint8Array<ArrayBuffer>> {
    const first = this.#scratch.subarray(this.#start + SIZE_BYTES, this.#end);
    await this.#options.admit?.(size, first);
    let frame = buffers.take(size);
    frame.set(first);
    let filled = first.length;
    this.#start = this.#end = 0;
    this.#isFull = false;
    this.#isInsideLarge = true;
    while (filled < size) {
      const { value, done } = await this.#reader.read(frame.subarray(filled));
      if (done || value === undefined) {
        throw new TruncatedFrameError(`Stream ended ${filled} bytes into a frame of ${size}`);
      }
      frame = new Uint8Array(value.buffer, 0, size);
      filled += value.length;
      this.#received += value.length;
    }
    this.#isInsideLarge = false;
    this.#limit = this.#options.maxFrameSize;
    return frame;
  }
}

const RESOLVED = Promise.resolve();

/** Chunks below this size are joined before they are written. */
const GATHER_BELOW = 16 * 1024;
const GATHER_SIZE = 64 * 1024;
/** Maximum size of one write. */
const WRITE_MAX = 1024 * 1024;

/** Writes frames to a byte stream; frames of one turn are written together. */
export class FrameWriter {
  /** Writer for outgoing frames, each between `beginFrame()` and `endFrame()`. */
  readonly out: Writer = new Writer();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #begin = () => this.#pump();
  readonly #wrote = () => this.#goOn();
  readonly #fail = (error: unknown) => this.#stop(error);
  #isPumping = false;
  /** Chunks of the current write, and the index of the next one. */
  #chunks: Chunks = [];
  #nextChunk = 0;
  /** Size of the chunk that is being written. */
  #writing = 0;
  #unsent = 0;
  /** Number of bytes that the stream has taken so far. */
  #taken = 0;
  /** Callers that wait until the stream has taken a number of bytes, in ascending order. */
  #waiters: { readonly at: number; readonly resolve: () => void }[] = [];
  #failure: unknown;
  /** Called when the stream has taken some of the backlog, or will not take any more. */
  onTaken: () => void = () => {};

  /** Locks `writable`. */
  constructor(writable: WritableStream<Uint8Array>) {
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  /** Encoded bytes not yet taken by the stream. */
  get backlog(): number {
    return this.#unsent + this.out.size;
  }

  /** Number of bytes that the stream has taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Passes the content of `out` to the stream at the end of this turn. */
  flush(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    RESOLVED.then(this.#begin);
  }

  /**
   * Resolves when the stream has taken everything encoded before the call, or has failed. Call
   * `flush()` first.
   */
  drained(): Promise<void> {
    const at = this.#taken + this.backlog;
    if (!this.#isPumping && at === this.#taken) return RESOLVED;
    return new Promise((resolve) => this.#waiters.push({ at, resolve }));
  }

  /** Writes the remaining bytes and closes the stream. Does nothing if the stream has failed. */
  async close(): Promise<void> {
    this.flush();
    await this.drained();
    await this.#writer.close().catch(() => {});
  }

  /** Aborts the stream immediately; bytes not written are lost. */
  abort(reason: unknown): void {
    this.#failure ??= reason;
    this.#writer.abort(reason).catch(() => {});
  }

  /** Starts the next write, and continues when it completes. */
  #pump(): void {
    if (this.#nextChunk === this.#chunks.length) {
      if (this.out.size === 0 || this.#failure !== undefined) return this.#stop(this.#failure);
      this.#unsent = this.out.size;
      this.#chunks = gather(this.out.take());
      this.#nextChunk = 0;
    }
    const chunk = this.#chunks[this.#nextChunk++]!;
    this.#writing = chunk.length;
    this.#writer.write(chunk).then(this.#wrote, this.#fail);
  }

  #goOn(): void {
    this.#unsent -= this.#writing;
    this.#taken += this.#writing;
    while (this.#waiters.length > 0 && this.#waiters[0]!.at <= this.#taken) {
      this.#waiters.shift()!.resolve();
    }
    this.onTaken();
    this.#pump();
  }

  #stop(failure: unknown): void {
    this.#failure ??= failure;
    if (this.#failure !== undefined) this.out.take();
    this.#chunks = [];
    this.#nextChunk = 0;
    this.#unsent = 0;
    this.#isPumping = false;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { resolve } of waiters) resolve();
    this.onTaken();
  }
}

/**
 * Joins neighbouring small chunks, since each write costs more than a short copy, and splits large
 * ones, since the progress of a write is visible only at its end.
 */
function gather(chunks: Chunks): Chunks {
  if (chunks.length === 1 && chunks[0]!.length <= WRITE_MAX) return chunks;
  const gathered: Chunks = [];
  let run: Chunks = [];
  let runSize = 0;
  const endRun = () => {
    if (run.length > 0) gathered.push(run.length === 1 ? run[0]! : joinBytes(run, runSize));
    run = [];
    runSize = 0;
  };
  for (const chunk of chunks) {
    if (chunk.length >= GATHER_BELOW) {
      endRun();
      for (let at = 0; at < chunk.length; at += WRITE_MAX) {
        gathered.push(chunk.subarray(at, at + WRITE_MAX));
      }
      continue;
    }
    if (runSize + chunk.length > GATHER_SIZE) endRun();
    run.push(chunk);
    runSize += chunk.length;
  }
  endRun();
  return gathered;
}
