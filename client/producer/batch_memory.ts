/**
 * A pool of the memory of written batches. Batches are large and frequent: allocating each would
 * keep the garbage collector busy.
 *
 * @module
 */

/** The maximum size of the pool. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;

/** A pool of memory for batches. */
export class BatchMemory {
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #spareBytes = 0;

  /** The number of bytes in the pool. */
  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** Returns at least `size` bytes of arbitrary content. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const spare = this.#spare.pop();
    if (spare === undefined) return new Uint8Array(size);
    this.#spareBytes -= spare.length;
    return spare.length < size ? new Uint8Array(size) : spare;
  }

  /** Returns memory to the pool; nothing may use it afterwards. */
  give(memory: Uint8Array<ArrayBuffer>): void {
    if (this.#spareBytes + memory.length > MAX_SPARE_BYTES) return;
    this.#spare.push(memory);
    this.#spareBytes += memory.length;
  }
}
