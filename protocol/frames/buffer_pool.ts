/**
 * A pool of buffers for incoming bytes.
 *
 * Reusing buffers is cheaper than leaving them to the garbage collector: the system zeroes each new
 * buffer page by page, and V8 scans the whole heap after every 32 MB or so of allocations.
 *
 * @module
 */

const SMALLEST_BYTES = 4 * 1024;
/** Larger buffers are not pooled: they are rare. */
const LARGEST_BYTES = 16 * 1024 * 1024;
/** Idle buffers are kept up to this total. */
const MAX_IDLE_BYTES = 32 * 1024 * 1024;

/** Lends buffers; the last user of a buffer gives it back. */
export class BufferPool {
  /** Idle buffers by size, last in first out: the newest may still be in the processor's cache. */
  readonly #idle = new Map<number, ArrayBuffer[]>();
  #idleBytes = 0;

  /** Total size of the idle buffers in bytes. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /**
   * Returns `size` bytes with arbitrary content. A buffer not given back is garbage collected as
   * usual.
   */
  take(size: number): Uint8Array<ArrayBuffer> {
    if (size > LARGEST_BYTES) return new Uint8Array(size);
    const capacity = capacityFor(size);
    const buffer = this.#idle.get(capacity)?.pop();
    if (buffer === undefined) return new Uint8Array(new ArrayBuffer(capacity), 0, size);
    this.#idleBytes -= capacity;
    return new Uint8Array(buffer, 0, size);
  }

  /**
   * Takes back the whole buffer of `bytes`, which may come from another pool. A buffer must be
   * given back only once, and not be used afterwards.
   */
  give({ buffer }: Uint8Array<ArrayBuffer>): void {
    const capacity = buffer.byteLength;
    if (capacity > LARGEST_BYTES) return;
    // Other sizes may be in demand now.
    if (this.#idleBytes + capacity > MAX_IDLE_BYTES) this.clear();
    this.#idleBytes += capacity;
    const idle = this.#idle.get(capacity);
    if (idle === undefined) this.#idle.set(capacity, [buffer]);
    else idle.push(buffer);
  }

  /** Leaves all idle buffers to the garbage collector. */
  clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}

/** Rounds up to the next of four sizes between a power of two and its double. */
function capacityFor(size: number): number {
  if (size <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** (29 - Math.clz32(size - 1));
  return Math.ceil(size / step) * step;
}
