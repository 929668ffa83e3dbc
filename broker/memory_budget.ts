/**
 * A bound on memory that requests, or answers, may hold at once, over all connections.
 *
 * @module
 */

/** What is left is thought of as divided among so many, for others to get something as well. */
const SHARES = 8;

/** The part of the limit above which little is left. */
const SHORT = 0.75;

interface Waiter {
  readonly size: number;
  readonly admit: () => void;
}

/** Bytes that are lent out and given back; whoever asks for more than is left waits in turn. */
export class MemoryBudget {
  readonly #limit: number;
  #lent = 0;
  #waiters: Waiter[] = [];

  /** @param limit bytes to lend out at most; one request larger than that is admitted alone. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes to lend out at most. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether there is little left, or somebody waits. */
  get isShort(): boolean {
    return this.#waiters.length > 0 || this.#lent > this.#limit * SHORT;
  }

  /** Bytes lent out. */
  get lent(): number {
    return this.#lent;
  }

  /**
   * Takes `size` bytes. Returns undefined if that was possible at once, else a promise.
   *
   * The promise rejects with the signal's reason if that is aborted first.
   */
  acquire(size: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#waiters.length === 0 && this.#fits(size)) {
      this.#lent += size;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const giveUp = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(signal.reason);
        this.#admitWaiters();
      };
      const waiter = {
        size,
        admit: () => {
          signal.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /**
   * Takes `most` bytes or, if that is more than a fair part of what is left, that part; but never
   * less than `least`, be it beyond the limit. Never waits.
   *
   * @returns How many bytes were taken.
   */
  takeShare(most: number, least: number): number {
    const share = Math.floor((this.#limit - this.#lent) / SHARES);
    const size = Math.min(most, Math.max(share, least));
    this.#lent += size;
    return size;
  }

  /** Changes what was taken from `held` bytes to `size`, be it beyond the limit. Never waits. */
  adjust(held: number, size: number): void {
    if (size > held) this.#lent += size - held;
    else this.release(held - size);
  }

  /** Gives `size` bytes back. */
  release(size: number): void {
    this.#lent -= size;
    this.#admitWaiters();
  }

  #fits(size: number): boolean {
    return this.#lent === 0 || this.#lent + size <= this.#limit;
  }

  #admitWaiters(): void {
    for (;;) {
      const next = this.#waiters[0];
      if (next === undefined || !this.#fits(next.size)) return;
      this.#waiters.shift();
      this.#lent += next.size;
      next.admit();
    }
  }
}
