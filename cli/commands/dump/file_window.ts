/**
 * Reads any part of a large file through a window of it that is in memory.
 *
 * @module
 */

const WINDOW_BYTES = 1 << 20;

/** A file of which a part is in memory. */
export class FileWindow implements Disposable {
  readonly #file: Deno.FsFile;
  /** Size of the file when it was opened. */
  readonly size: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #position = 0;

  /** Opens a file. @throws {Deno.errors.NotFound} and the like */
  constructor(path: string) {
    this.#file = Deno.openSync(path);
    this.size = this.#file.statSync().size;
  }

  /**
   * Bytes of the file, a view until the next call; fewer at the end of the file.
   *
   * @param position where they begin in the file
   * @param size how many
   */
  view(position: number, size: number): Uint8Array {
    const wanted = Math.min(size, this.size - position);
    const isInside = position >= this.#position &&
      position + wanted <= this.#position + this.#bytes.length;
    if (!isInside) this.#load(position, wanted);
    const start = position - this.#position;
    return this.#bytes.subarray(start, start + wanted);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #load(position: number, size: number): void {
    const bytes = new Uint8Array(Math.min(Math.max(size, WINDOW_BYTES), this.size - position));
    this.#file.seekSync(position, Deno.SeekMode.Start);
    let count = 0;
    while (count < bytes.length) {
      const read = this.#file.readSync(bytes.subarray(count));
      // It was cut while we read it.
      if (read === null) break;
      count += read;
    }
    this.#bytes = bytes.subarray(0, count);
    this.#position = position;
  }
}
