/**
 * The token buckets of those whom a quota holds.
 *
 * @module
 */

import { TokenBucket } from "./token_bucket.ts";

/** Most buckets. Client ids and addresses are what clients claim. */
const MAX_BUCKETS = 10_000;

/** Token buckets by name. One that is full is as good as none. */
export class Buckets {
  readonly #burstMs: number;
  readonly #buckets: Map<string, TokenBucket> = new Map();

  /** @param burstMs How long unused tokens are kept. */
  constructor(burstMs: number) {
    this.#burstMs = burstMs;
  }

  /** Number of buckets. */
  get size(): number {
    return this.#buckets.size;
  }

  /** The bucket of a name, with a rate in tokens per second. */
  get(name: string, rate: number, nowMs: number): TokenBucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#drop(nowMs);
      bucket = new TokenBucket(rate, this.#burstMs, nowMs);
      this.#buckets.set(name, bucket);
    } else bucket.setRate(rate, nowMs);
    return bucket;
  }

  #drop(nowMs: number): void {
    for (const [name, bucket] of this.#buckets) {
      if (bucket.isFull(nowMs)) this.#buckets.delete(name);
    }
    // Those that are oldest go, so that a tenth is free.
    for (const name of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_BUCKETS * 0.9) return;
      this.#buckets.delete(name);
    }
  }
}
