/**
 * A bound on memory that requests may hold at once, whichever connections they came over.
 *
 * @module
 */

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
