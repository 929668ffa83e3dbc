/**
 * The bytes of a file in memory, in blocks that are shared rather than copied.
 *
 * A byte written to a block never changes: truncation cuts the block to a view, and later appends
 * go to a new block. `overwrite`, which is for tests, replaces blocks by new ones. Zeros that a
 * file was extended with have no blocks.
 *
 * @module
 */

const SMALLEST_BLOCK = 256;
const LARGEST_BLOCK = 1 << 20;

/** The bytes of a file: full blocks, and a last one that has room unless it is shared. */
export class MemoryFileContent {
  /** Size including zeros that the file was extended with. */
  size = 0;
  /** End of the data and start of those zeros. */
  dataSize = 0;
  /** The used part of each block. */
  #blocks: Uint8Array[] = [];
  /** The start position of each block in the file. */
  #starts: number[] = [];
  /** The last block with its unused part; `undefined` if it must not be written to. */
  #open: Uint8Array | undefined;

  append(bytes: Uint8Array): void {
    if (this.size > this.dataSize) this.#add(new Uint8Array(this.size - this.dataSize));
    this.#add(bytes);
  }

  /** Writes at a position that is followed only by zeros. */
  write(bytes: Uint8Array, position: number): void {
    if (position > this.dataSize) this.#add(new Uint8Array(position - this.dataSize));
    const old = Math.min(bytes.length, this.dataSize - position);
    if (old > 0) this.overwrite(position, bytes.subarray(0, old));
    this.#add(bytes.subarray(old));
  }

  #add(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const last = this.#blocks.length - 1;
      const used = this.#open === undefined ? 0 : this.#blocks[last]!.length;
      if (this.#open === undefined || used === this.#open.length) {
        this.#openBlock(bytes.length - from);
        continue;
      }
      const count = Math.min(this.#open.length - used, bytes.length - from);
      this.#open.set(
        from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count),
        used,
      );
      this.#blocks[last] = this.#open.subarray(0, used + count);
      from += count;
    }
    this.dataSize += bytes.length;
    this.size = Math.max(this.size, this.dataSize);
  }

  #openBlock(atLeast: number): void {
    const sizeWanted = Math.max(atLeast, Math.min(this.dataSize, LARGEST_BLOCK), SMALLEST_BLOCK);
    this.#starts.push(this.#blocks.length === 0 ? 0 : this.#end());
    this.#open = new Uint8Array(sizeWanted);
    this.#blocks.push(this.#open.subarray(0, 0));
  }

  /** End of the blocks; within `#add` this is ahead of `dataSize`. */
  #end(): number {
    return this.#starts.at(-1)! + this.#blocks.at(-1)!.length;
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.size, position + into.length);
    const dataEnd = Math.min(this.dataSize, end);
    let at = position;
    for (let block = this.#blockAt(position); at < dataEnd; block++) {
      const start = this.#starts[block]!;
      const bytes = this.#blocks[block]!;
      const count = Math.min(start + bytes.length, dataEnd) - at;
      into.set(bytes.subarray(at - start, at - start + count), at - position);
      at += count;
    }
    if (at < end) into.fill(0, at - position, end - position);
    return Math.max(0, end - position);
  }

  #blockAt(position: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle]! <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  truncate(size: number): void {
    this.size = size;
    if (size >= this.dataSize) return;
    while (this.#starts.length > 0 && this.#starts.at(-1)! >= size) {
      this.#starts.pop();
      this.#blocks.pop();
    }
    if (this.#blocks.length > 0) {
      const last = this.#blocks.length - 1;
      this.#blocks[last] = this.#blocks[last]!.subarray(0, size - this.#starts[last]!);
    }
    this.#open = undefined;
    this.dataSize = size;
  }

  /** Changes existing bytes, as a failing disk does. */
  overwrite(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    for (let block = this.#blockAt(position); block < this.#blocks.length; block++) {
      const start = this.#starts[block]!;
      if (start >= end) break;
      const copy = this.#blocks[block]!.slice();
      const from = Math.max(position, start);
      const to = Math.min(end, start + copy.length);
      copy.set(bytes.subarray(from - position, to - position), from - start);
      this.#blocks[block] = copy;
    }
    this.#open = undefined;
  }

  /** A copy that shares the blocks. Later appends to either are not visible in the other. */
  share(): MemoryFileContent {
    const copy = new MemoryFileContent();
    copy.size = this.size;
    copy.dataSize = this.dataSize;
    copy.#blocks = this.#blocks.slice();
    copy.#starts = this.#starts.slice();
    return copy;
  }
}
