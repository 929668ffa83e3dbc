/**
 * The bytes of a file in memory, in blocks that are shared rather than copied.
 *
 * A byte once written in a block never changes: truncating cuts the block to a view, and what is
 * appended next goes to a new block. `overwrite`, which is for tests, puts new blocks in the place of old.
 *
 * @module
 */

const SMALLEST_BLOCK = 256;
const LARGEST_BLOCK = 1 << 20;

/** The bytes of a file: full blocks, and one that still has room unless it is shared. */
export class MemoryFileContent {
  size = 0;
  /** The used part of each block. */
  #blocks: Uint8Array[] = [];
  /** The position in the file that each block starts at. */
  #starts: number[] = [];
  /** The last block with its unused part, or nothing if no more may be written in it. */
  #open: Uint8Array | undefined;

  append(bytes: Uint8Array): void {
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
    this.size += bytes.length;
  }

  #openBlock(atLeast: number): void {
    const sizeWanted = Math.max(atLeast, Math.min(this.size, LARGEST_BLOCK), SMALLEST_BLOCK);
    this.#starts.push(this.#blocks.length === 0 ? 0 : this.#end());
    this.#open = new Uint8Array(sizeWanted);
    this.#blocks.push(this.#open.subarray(0, 0));
  }

  /** Where the blocks end; within `append` that is ahead of `size`. */
  #end(): number {
    return this.#starts.at(-1)! + this.#blocks.at(-1)!.length;
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.size, position + into.length);
    let at = position;
    for (let block = this.#blockAt(position); at < end; block++) {
      const start = this.#starts[block]!;
      const bytes = this.#blocks[block]!;
      const count = Math.min(start + bytes.length, end) - at;
      into.set(bytes.subarray(at - start, at - start + count), at - position);
      at += count;
    }
    return Math.max(0, at - position);
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
    if (size > this.size) {
      this.append(new Uint8Array(size - this.size));
      return;
    }
    while (this.#starts.length > 0 && this.#starts.at(-1)! >= size) {
      this.#starts.pop();
      this.#blocks.pop();
    }
    if (this.#blocks.length > 0) {
      const last = this.#blocks.length - 1;
      this.#blocks[last] = this.#blocks[last]!.subarray(0, size - this.#starts[last]!);
    }
    this.#open = undefined;
    this.size = size;
  }

  /** Changes bytes that are there, as a failing disk does. */
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

  /** The same bytes for somebody else; what either appends later, the other does not see. */
  share(): MemoryFileContent {
    const copy = new MemoryFileContent();
    copy.size = this.size;
    copy.#blocks = this.#blocks.slice();
    copy.#starts = this.#starts.slice();
    return copy;
  }
}
