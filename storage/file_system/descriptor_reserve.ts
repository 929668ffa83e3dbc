/**
 * Spare file descriptors for when the process runs out of them: even if clients hold very many
 * connections, files can be written and further connections can be rejected with an answer.
 *
 * The reserve consists of unused open files: closing one makes room for another. Holders of
 * descriptors that are not urgently needed, such as a pool of open files, register to give some
 * back, and are asked first.
 *
 * @module
 */

/** Any file works; this one exists on every system that limits descriptors per process. */
const PATH = "/dev/null";
/**
 * Size of the reserve if the limit is high: the files that a broker opens together, and some more.
 */
const SIZE = 32;

/** Maximum number of concurrent asynchronous operations with descriptors of their own. */
const MAX_USERS = 16;

/** Spare file descriptors. */
export class DescriptorReserve {
  readonly #size: number;
  readonly #spares: Deno.FsFile[] = [];
  readonly #givers: Set<() => boolean> = new Set();
  readonly #waiting: (() => void)[] = [];
  #users = 0;

  private constructor(size: number, spares: Deno.FsFile[]) {
    this.#size = size;
    this.#spares = spares;
  }

  /**
   * Opens the reserve: 32 descriptors, or half of those available. It is empty if this process has
   * no permission to read `/dev/null`, and on Windows, which has no such limit.
   */
  static open(): DescriptorReserve {
    const spares: Deno.FsFile[] = [];
    const isPossible = Deno.build.os !== "windows" &&
      Deno.permissions.querySync({ name: "read", path: PATH }).state === "granted";
    while (isPossible && spares.length < 2 * SIZE && addTo(spares));
    const size = spares.length >> 1;
    for (const spare of spares.splice(size)) spare.close();
    return new DescriptorReserve(size, spares);
  }

  /** Current number of spare descriptors. */
  get spareCount(): number {
    return this.#spares.length;
  }

  /** Whether part of the reserve is in use. */
  get isShort(): boolean {
    return this.#spares.length < this.#size;
  }

  /**
   * Registers a holder of descriptors that can give some back.
   *
   * @param give Closes an idle file, and returns whether there was one.
   * @returns A function that ends the registration.
   */
  onShortage(give: () => boolean): () => void {
    this.#givers.add(give);
    return () => this.#givers.delete(give);
  }

  /** Makes a registered holder give a descriptor back. Returns false if none can. */
  reclaim(): boolean {
    for (const give of this.#givers) {
      if (give()) return true;
    }
    return false;
  }

  /**
   * Makes room for one more descriptor, if necessary from the reserve. Returns false if that is
   * used up.
   */
  makeRoom(): boolean {
    return this.reclaim() || this.lend();
  }

  /**
   * Runs an asynchronous operation that opens a file or folder. Waits for its turn, and retries if
   * the process is out of descriptors and one can be freed. Must not be nested.
   */
  async use<T>(operation: () => Promise<T>): Promise<T> {
    while (this.#users >= MAX_USERS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#users++;
    try {
      for (;;) {
        try {
          return await operation();
        } catch (error) {
          if (!isOutOfDescriptors(error) || !this.makeRoom()) throw error;
        }
      }
    } finally {
      this.#users--;
      if (this.isShort) this.refill();
      this.#waiting.shift()?.();
    }
  }

  /** Makes room for one more descriptor, from the reserve. Returns false if that is used up. */
  lend(): boolean {
    const spare = this.#spares.pop();
    spare?.close();
    return spare !== undefined;
  }

  /** Refills the reserve. Returns false if there are not enough descriptors. */
  refill(): boolean {
    while (this.isShort) {
      if (!addTo(this.#spares)) return false;
    }
    return true;
  }

  /** Closes the spare descriptors. */
  close(): void {
    for (const spare of this.#spares.splice(0)) spare.close();
  }

  /** Closes the reserve. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Whether an error says that the process, or the machine, is out of descriptors. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "EMFILE" || code === "ENFILE";
}

function addTo(spares: Deno.FsFile[]): boolean {
  try {
    spares.push(Deno.openSync(PATH, { read: true }));
    return true;
  } catch {
    // Usually no descriptor is left; a system without such a file has no reserve.
    return false;
  }
}
