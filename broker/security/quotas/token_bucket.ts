/**
 * Lets so much through in a second.
 *
 * @module
 */

/**
 * A token bucket that can go into debt: as long as it has anything, all that is asked for is given,
 * and the time until the debt is paid is the time to wait. Over a long time the rate is kept exactly,
 * however large single amounts are.
 */
export class TokenBucket {
  #rate: number;
  readonly #burstMs: number;
  #tokens: number;
  #nowMs: number;

  /**
   * @param rate Tokens per second.
   * @param burstMs How long unused tokens are kept.
   */
  constructor(rate: number, burstMs: number, nowMs: number) {
    this.#rate = rate;
    this.#burstMs = burstMs;
    this.#tokens = this.#capacity;
    this.#nowMs = nowMs;
  }

  /** Changes the rate from now on. A debt is paid at the new one. */
  setRate(rate: number, nowMs: number): void {
    if (rate === this.#rate) return;
    this.#refill(nowMs);
    this.#rate = rate;
    this.#tokens = Math.min(this.#tokens, this.#capacity);
  }

  /** Milliseconds until the bucket is out of debt; 0 if it is not in debt. */
  debtMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#rate * 1000;
  }

  /** Takes tokens, and returns the milliseconds until the bucket is out of debt. */
  take(tokens: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#tokens -= tokens;
    return this.debtMs(nowMs);
  }

  /** Whether it is as if it were new. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= this.#capacity;
  }

  get #capacity(): number {
    return this.#rate * this.#burstMs / 1000;
  }

  #refill(nowMs: number): void {
    const elapsedMs = nowMs - this.#nowMs;
    if (elapsedMs <= 0) return;
    this.#nowMs = nowMs;
    this.#tokens = Math.min(this.#capacity, this.#tokens + this.#rate * elapsedMs / 1000);
  }
}
