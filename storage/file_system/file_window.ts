/**
 * Reads any part of a large file through a window in memory.
 *
 * @module
 */

const WINDOW_BYTES = 1 << 20;

/** A file that a window can be opened on, such as an open file or a pooled one. */
export interface WindowedFile {
  /** Reads from `position` until `into` is full or the file ends; returns the count. */
  readSync(into: Uint8Array, position: number): number;
}

/** A part of a file in memory, which moves to the position that is read. */
export class FileWindow implements WindowedFile {
  readonly #file: WindowedFile;
  /** The end of the file for this window. */
  readonly size: number;
  #buffer = new Uint8Array(0);
  #bytes: Uint8Array = this.#buffer;
  #position = 0;

  constructor(file: WindowedFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Reads from `position` until `into` is full or the file ends; returns the count. */
  readSync(into: Uint8Array, position: number): number {
    return this.#file.readSync(into, position);
  }

  /**
   * Bytes of the file, valid until the next call; fewer at the end of the file.
   *
   * @param position Their position in the file.
   * @param size Their number.
   */
  view(position: number, size: number): Uint8Array {
    const wanted = Math.max(0, Math.min(size, this.size - position));
    const isInside = position >= this.#position &&
      position + wanted <= this.#position + this.#bytes.length;
    if (!isInside) this.#load(position, wanted);
    const start = position - this.#position;
    return this.#bytes.subarray(start, start + wanted);
  }

  #load(position: number, size: number): void {
    const count = Math.min(Math.max(size, WINDOW_BYTES), this.size - position);
    if (this.#buffer.length < count) this.#buffer = new Uint8Array(count);
    const read = this.#file.readSync(this.#buffer.subarray(0, count), position);
    this.#bytes = this.#buffer.subarray(0, read);
    this.#position = position;
  }
}
