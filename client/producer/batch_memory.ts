/**
 * Memory of batches that were written, for those to come. Batches are large and many, so allocating each
 * anew would keep the garbage collector busy with little else.
 *
 * @module
 */

/** What is kept at most. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;

/** Memory for batches. */
export class BatchMemory {
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #spareBytes = 0;

  /** Bytes kept for later. */
  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** At least `size` bytes, which may hold anything. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const spare = this.#spare.pop();
    if (spare === undefined) return new Uint8Array(size);
    this.#spareBytes -= spare.length;
    return spare.length < size ? new Uint8Array(size) : spare;
  }

  /** Takes memory that nobody looks at any more. */
  give(memory: Uint8Array<ArrayBuffer>): void {
    if (this.#spareBytes + memory.length > MAX_SPARE_BYTES) return;
    this.#spare.push(memory);
    this.#spareBytes += memory.length;
  }
}
