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

/** How long a measurement is used. */
const MAX_AGE_MS = 30_000;

/** Measures the space now and then. */
export class DiskSpace {
  readonly path: string;
  #space: Space | undefined;
  #measuredMs = -Infinity;
  #measuring: Promise<void> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** The space as last measured; undefined if it cannot be. */
  get space(): Space | undefined {
    return this.#space;
  }

  /** Measures it, unless that was done a moment ago. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#measuredMs < MAX_AGE_MS) return;
    this.#measuring ??= this.#measure().finally(() => this.#measuring = undefined);
    await this.#measuring;
  }

  async #measure(): Promise<void> {
    try {
      const { statfs } = await import("node:fs/promises");
      const { bavail, blocks, bsize } = await statfs(this.path);
      this.#space = { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch {
      // In memory, or without --allow-sys=statfs.
      this.#space = undefined;
    }
    this.#measuredMs = performance.now();
  }
}
