/**
 * The space of the file system that the data folder is on.
 *
 * @module
 */

/** Space in bytes. */
export interface Space {
  /** What a program without privileges can use. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** With less space than this, appends are refused. */
export const MIN_FREE_BYTES = 1024 * 1024;
/** How long a measurement is used. */
const MAX_AGE_MS = 30_000;

/** Measures the space now and then. */
export class DiskSpace {
  readonly #path: string | undefined;
  #space: Space | undefined;
  #measuredMs = -Infinity;
  #measuring: Promise<void> | undefined;

  /** @param path A folder; undefined if data is not on a disk. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** The space as last measured; undefined if it cannot be. */
  get space(): Space | undefined {
    return this.#space;
  }

  /** Whether there is space to write, as far as that is known. */
  get isFull(): boolean {
    return this.space !== undefined && this.space.freeBytes < MIN_FREE_BYTES;
  }

  /** Measures it, unless that was done a moment ago. */
  async refresh(): Promise<void> {
    if (this.#path === undefined) return;
    if (performance.now() - this.#measuredMs < MAX_AGE_MS) return;
    this.#measuring ??= this.#measure().finally(() => this.#measuring = undefined);
    await this.#measuring;
  }

  async #measure(): Promise<void> {
    try {
      const { statfs } = await import("node:fs/promises");
      const { bavail, blocks, bsize } = await statfs(this.#path!);
      this.#space = { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch {
      // Without --allow-sys=statfs.
      this.#space = undefined;
    }
    this.#measuredMs = performance.now();
  }
}
