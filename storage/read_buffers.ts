/**
 * Memory for reading files, used again and again.
 *
 * Buffers that are left to the garbage collector cost more than to fill them: the system zeroes each
 * new one page by page, and after every 32 MB or so V8 looks through the whole heap.
 *
 * @module
 */

const SMALLEST_BYTES = 16 * 1024;
/** Reads larger than this get memory of their own: they are rare. */
const LARGEST_BYTES = 4 * 1024 * 1024;
/** Kept for later reads at most. */
const MAX_IDLE_BYTES = 16 * 1024 * 1024;

/** Buffers for the reads of a data folder's logs. */
export class ReadBuffers {
  /** By size, the last given back first: it may still be in the processor's cache. */
  readonly #idle = new Map<number, ArrayBuffer[]>();
  #idleBytes = 0;

  /** Bytes of buffers that nobody uses. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** `size` bytes of memory, with anything in them. */
  take(size: number): Uint8Array<ArrayBuffer> {
    if (size > LARGEST_BYTES) return new Uint8Array(size);
    const capacity = capacityFor(size);
    const buffer = this.#idle.get(capacity)?.pop();
    if (buffer === undefined) return new Uint8Array(new ArrayBuffer(capacity), 0, size);
    this.#idleBytes -= capacity;
    return new Uint8Array(buffer, 0, size);
  }

  /** Gives memory back that was taken here. Nobody may look at it from now on. */
  give({ buffer }: Uint8Array<ArrayBuffer>): void {
    const capacity = buffer.byteLength;
    if (capacity > LARGEST_BYTES || this.#idleBytes + capacity > MAX_IDLE_BYTES) return;
    this.#idleBytes += capacity;
    const idle = this.#idle.get(capacity);
    if (idle === undefined) this.#idle.set(capacity, [buffer]);
    else idle.push(buffer);
  }
}

/** The smallest power of two that has room. */
function capacityFor(size: number): number {
  return size <= SMALLEST_BYTES ? SMALLEST_BYTES : 2 ** (32 - Math.clz32(size - 1));
}
