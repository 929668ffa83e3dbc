/**
 * Bounds the memory that requests, or responses, hold over all connections.
 *
 * @module
 */

/** Shares that the remaining memory is divided into. */
const SHARES = 8;

/** Fraction of the limit above which memory counts as short. */
const SHORT = 0.75;

interface Waiter {
  readonly size: number;
  readonly admit: () => void;
}

/** Lends out a bounded number of bytes. Requests for more than is left wait in order. */
export class MemoryBudget {
  readonly #limit: number;
  #acquired = 0;
  #waiters: Waiter[] = [];

  /** @param limit Maximum bytes to lend out. A single request above the limit is admitted alone. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Maximum bytes to lend out. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether little memory is left or a request is waiting. */
  get isShort(): boolean {
    return this.#waiters.length > 0 || this.#acquired > this.#limit * SHORT;
  }

  /** Bytes acquired and not released. */
  get acquired(): number {
    return this.#acquired;
  }

  /**
   * Acquires `size` bytes. Returns `undefined` if they were available, otherwise a promise.
   *
   * The promise rejects with the signal's reason if the signal is aborted first.
   */
  acquire(size: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#waiters.length === 0 && this.#fits(size)) {
      this.#acquired += size;
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
   * Acquires `most` bytes, or a fair share of what is left if that is smaller, but at least
   * `least`, even above the limit. Never waits.
   *
   * @returns The number of bytes acquired.
   */
  takeShare(most: number, least: number): number {
    const share = Math.floor((this.#limit - this.#acquired) / SHARES);
    const size = Math.min(most, Math.max(share, least));
    this.#acquired += size;
    return size;
  }

  /** Changes an acquired amount from `held` to `size` bytes, even above the limit. Never waits. */
  adjust(held: number, size: number): void {
    if (size > held) this.#acquired += size - held;
    else this.release(held - size);
  }

  /** Releases `size` bytes. */
  release(size: number): void {
    this.#acquired -= size;
    this.#admitWaiters();
  }

  #fits(size: number): boolean {
    return this.#acquired === 0 || this.#acquired + size <= this.#limit;
  }

  #admitWaiters(): void {
    for (;;) {
      const next = this.#waiters[0];
      if (next === undefined || !this.#fits(next.size)) return;
      this.#waiters.shift();
      this.#acquired += next.size;
      next.admit();
    }
  }
}
