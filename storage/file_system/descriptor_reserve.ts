/**
 * File descriptors kept for when there are no others, so that clients who hold many connections can
 * keep nobody from writing to files, nor a broker from telling further clients that it is full.
 *
 * The reserve is open files that nobody uses: closing one makes room for another. What could do with
 * fewer descriptors, such as a pool of open files, offers to give some back; that is asked for first.
 *
 * @module
 */

/** Any file will do; this one is there on every system that limits descriptors by process. */
const PATH = "/dev/null";
/** How many to keep where there are plenty: files that a broker opens in one go, and some more. */
const SIZE = 32;

/** Asynchronous operations that take descriptors of their own, at most, at the same time. */
const MAX_USERS = 16;

/** Descriptors set aside. */
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
   * Sets descriptors aside: 32, or half of those there are. None where this process may not read
   * `/dev/null`, and on Windows, which has no such limit.
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

  /** How many are set aside now. */
  get spareCount(): number {
    return this.#spares.length;
  }

  /** Whether some of what was set aside is in use. */
  get isShort(): boolean {
    return this.#spares.length < this.#size;
  }

  /**
   * Adds someone who can do with fewer descriptors.
   *
   * @param give Closes a file that is not needed now, and says whether there was one.
   * @returns What to call to be asked no more.
   */
  onShortage(give: () => boolean): () => void {
    this.#givers.add(give);
    return () => this.#givers.delete(give);
  }

  /** Has someone give a descriptor back that is not needed now. False if nobody can. */
  reclaim(): boolean {
    for (const give of this.#givers) {
      if (give()) return true;
    }
    return false;
  }

  /** Makes room for one more descriptor, from the reserve if need be. False if that is used up. */
  makeRoom(): boolean {
    return this.reclaim() || this.lend();
  }

  /**
   * Does something that takes its time and opens a file or folder for it: when there is room for that,
   * and again if it fails for want of descriptors but one could be made free. Must not be nested.
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

  /** Makes room for one more descriptor, from the reserve. False if that is used up. */
  lend(): boolean {
    const spare = this.#spares.pop();
    spare?.close();
    return spare !== undefined;
  }

  /** Sets aside again what was used. False if there is not enough. */
  refill(): boolean {
    while (this.isShort) {
      if (!addTo(this.#spares)) return false;
    }
    return true;
  }

  /** Closes what was set aside. */
  close(): void {
    for (const spare of this.#spares.splice(0)) spare.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Whether an error says that this process, or the machine, has no descriptor left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "EMFILE" || code === "ENFILE";
}

function addTo(spares: Deno.FsFile[]): boolean {
  try {
    spares.push(Deno.openSync(PATH, { read: true }));
    return true;
  } catch {
    // Mostly since there is none left; a system without such a file has to do without a reserve.
    return false;
  }
}
