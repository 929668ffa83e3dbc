/**
 * Frames over byte streams: a four-byte size, then that many bytes.
 *
 * Reading goes through a BYOB reader. Small frames arrive many to a read in one scratch buffer and
 * are copied out of it, because the next read hands the scratch buffer back to the stream and so
 * detaches every view of it. The copies lie side by side in memory that is never written again. A
 * frame that does not fit the scratch buffer gets memory of its own, and the stream reads straight
 * into that. Either way views of a frame stay valid for as long as they are held, unless the frame is
 * recycled: whoever knows that nobody looks at one any more may say so, and its memory is used again.
 *
 * Writing gathers: frames are encoded into one `Writer`, and a flush hands the socket what came
 * together in this turn of the event loop, or while the last write was under way.
 *
 * @module
 */

import { BufferPool } from "./buffer_pool.ts";
import { type Chunks, joinBytes, Writer } from "./writer.ts";

/** A frame's declared size is negative or above the limit. */
export class FrameSizeError extends Error {
  override name = "FrameSizeError";
  /** The declared size. */
  readonly size: number;

  constructor(message: string, size: number) {
    super(message);
    this.size = size;
  }
}

/** The peer closed the stream inside a frame. */
export class TruncatedFrameError extends Error {
  override name = "TruncatedFrameError";
}

/** How a `FrameReader` bounds what it reads. */
export interface FrameReaderOptions {
  /** Largest frame to accept, in bytes (`socket.request.max.bytes`). */
  readonly maxFrameSize: number;
  /**
   * Waited for before memory for a large frame is allocated; may delay it, or throw or reject to
   * end. Given the frame's size and its first bytes, at least two, valid during the call.
   */
  readonly admit?: (size: number, head: Uint8Array) => Promise<void> | undefined;
}

const SIZE_BYTES = 4;
/** What there must be of a large frame before it is admitted: the API key of a request. */
const HEAD_BYTES = 2;
const SCRATCH_MIN = 4 * 1024;
const SCRATCH_MAX = 64 * 1024;

/** Memory of frames that do not share it, of all connections. */
const buffers = new BufferPool();

/** Frames up to this size share memory with others: an allocation costs more than such a copy. */
const SHARED_FRAME_MAX = 4 * 1024;
const SHARED_SIZE = 64 * 1024;
let shared = new Uint8Array(SHARED_SIZE);
let sharedUsed = 0;

/** A copy of a part of `bytes` that nothing else will write to. */
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

/** Cuts a byte stream into frames. */
export class FrameReader {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #options: FrameReaderOptions;
  #scratch: Uint8Array<ArrayBuffer> = new Uint8Array(SCRATCH_MIN);
  #start = 0;
  #end = 0;
  /** Whether the last read left no room, so that more is likely to be there. */
  #isFull = false;
  #isInsideLarge = false;
  #received = 0;

  /** Locks `readable` and reads it to its end. */
  constructor(readable: ReadableStream<Uint8Array>, options: FrameReaderOptions) {
    this.#reader = readable.getReader({ mode: "byob" });
    this.#options = options;
  }

  /**
   * The next frame's bytes without its size, if it has already arrived.
   *
   * @throws {FrameSizeError} if the frame's size is negative or above the limit.
   */
  buffered(): Uint8Array<ArrayBuffer> | undefined {
    const size = this.#nextSize();
    if (size === undefined) return undefined;
    const from = this.#start + SIZE_BYTES;
    if (from + size > this.#end) return undefined;
    this.#start = from + size;
    return copyOf(this.#scratch, from, from + size);
  }

  /** Bytes of large frames that have arrived so far, of all there were. */
  get received(): number {
    return this.#received;
  }

  /** Whether the rest of a large frame is waited for, which has memory of its own already. */
  get isInsideLarge(): boolean {
    return this.#isInsideLarge;
  }

  /** Whether a frame has already arrived; not one that `buffered()` throws for. */
  get hasBuffered(): boolean {
    const held = this.#end - this.#start;
    if (held < SIZE_BYTES) return false;
    const size = this.#declaredSize();
    return size >= 0 && SIZE_BYTES + size <= held;
  }

  /**
   * The next frame's bytes without its size, or null at the end of the stream.
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

  /** Takes back a frame that was read here and that nobody looks at any more. */
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
    if (size < 0 || size > this.#options.maxFrameSize) {
      throw new FrameSizeError(
        `Cannot accept frame of ${size} bytes: the limit is ${this.#options.maxFrameSize}`,
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

  /** Sees to it that a frame of `size` bytes has room in the scratch buffer. */
  #makeRoom(size: number): void {
    const scratch = this.#scratch;
    const held = this.#end - this.#start;
    if (scratch.length < SCRATCH_MAX && (this.#isFull || size + SIZE_BYTES > scratch.length)) {
      this.#scratch = new Uint8Array(SCRATCH_MAX);
      this.#scratch.set(scratch.subarray(this.#start, this.#end));
    } else if (held > 0) {
      scratch.copyWithin(0, this.#start, this.#end);
    } else if (scratch.length > SCRATCH_MIN && this.#end < SCRATCH_MIN) {
      // A connection that has gone quiet should not hold a large buffer while it waits.
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
    return frame;
  }
}

const RESOLVED = Promise.resolve();

/** Chunks below this size are copied together before they are written. */
const GATHER_BELOW = 16 * 1024;
const GATHER_SIZE = 64 * 1024;
/** What is written at once at most. */
const WRITE_MAX = 1024 * 1024;

/** Writes frames to a byte stream, those of one turn together. */
export class FrameWriter {
  /** Where frames are encoded, each between `beginFrame()` and `endFrame()`. */
  readonly out: Writer = new Writer();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #begin = () => this.#pump();
  readonly #wrote = () => this.#goOn();
  readonly #fail = (error: unknown) => this.#stop(error);
  #isPumping = false;
  /** What is being written, and which of it is next. */
  #chunks: Chunks = [];
  #nextChunk = 0;
  /** Size of the chunk that is being written. */
  #writing = 0;
  #unsent = 0;
  /** Bytes that the stream has taken so far. */
  #taken = 0;
  /** Who waits until the stream has taken so many bytes, in the order of those. */
  #waiters: { readonly at: number; readonly resolve: () => void }[] = [];
  #failure: unknown;
  /** Called when the stream has taken some of the backlog, or will take no more. */
  onTaken: () => void = () => {};

  /** Locks `writable`. */
  constructor(writable: WritableStream<Uint8Array>) {
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  /** Bytes encoded that the stream has not yet taken. */
  get backlog(): number {
    return this.#unsent + this.out.size;
  }

  /** Bytes that the stream has taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Hands what `out` holds to the stream at the end of this turn. */
  flush(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    RESOLVED.then(this.#begin);
  }

  /**
   * Resolves when everything encoded before the call was taken by the stream, or the stream failed.
   * What is encoded is to be flushed.
   */
  drained(): Promise<void> {
    const at = this.#taken + this.backlog;
    if (!this.#isPumping && at === this.#taken) return RESOLVED;
    return new Promise((resolve) => this.#waiters.push({ at, resolve }));
  }

  /** Writes what is left and closes the stream. A stream that failed is closed already. */
  async close(): Promise<void> {
    this.flush();
    await this.drained();
    await this.#writer.close().catch(() => {});
  }

  /** Gives up the stream at once; what was not written is lost. */
  abort(reason: unknown): void {
    this.#failure ??= reason;
    this.#writer.abort(reason).catch(() => {});
  }

  /** Begins the next write, and goes on when that is done. */
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
 * Joins neighbouring small chunks, since each write costs more than a short copy; and cuts large ones,
 * since how far a write has got shows only at its end.
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
