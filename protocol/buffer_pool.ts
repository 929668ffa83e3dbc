/**
 * Memory for bytes that come in, used again and again.
 *
 * Buffers that are left to the garbage collector cost more than to fill them: the system zeroes each
 * new one page by page, and after every 32 MB or so V8 looks through the whole heap.
 *
 * @module
 */

const SMALLEST_BYTES = 4 * 1024;
/** What is larger gets memory of its own: it is rare. */
const LARGEST_BYTES = 16 * 1024 * 1024;
/** Kept for later at most. */
const MAX_IDLE_BYTES = 32 * 1024 * 1024;

/** Lends buffers; whoever is the last to look at one gives it back. */
export class BufferPool {
  /** By size, the last given back first: it may still be in the processor's cache. */
  readonly #idle = new Map<number, ArrayBuffer[]>();
  #idleBytes = 0;

  /** Bytes of buffers that nobody uses. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** `size` bytes of memory, with anything in them. What is not given back is garbage like any other. */
  take(size: number): Uint8Array<ArrayBuffer> {
    if (size > LARGEST_BYTES) return new Uint8Array(size);
    const capacity = capacityFor(size);
    const buffer = this.#idle.get(capacity)?.pop();
    if (buffer === undefined) return new Uint8Array(new ArrayBuffer(capacity), 0, size);
    this.#idleBytes -= capacity;
    return new Uint8Array(buffer, 0, size);
  }

  /**
   * Gives back the whole memory under `bytes`, which was taken here, or from another pool, once. Nobody
   * may look at it from now on.
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

  /** Leaves what nobody uses to the garbage collector. */
  clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}

/** The next of four sizes between a power of two and its double. */
function capacityFor(size: number): number {
  if (size <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** (29 - Math.clz32(size - 1));
  return Math.ceil(size / step) * step;
}
