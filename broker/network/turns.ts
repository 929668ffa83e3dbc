/**
 * Shares the event loop among connections, so that a connection with many pipelined requests does
 * not delay the others.
 *
 * A connection handles requests until its slice is used up or all connections together have used
 * this turn of the event loop. Then it waits while the loop polls sockets and timers. Waiting
 * connections continue in the order of the time they have used (start-time fair queueing), so one
 * that was idle comes before busy ones and waits for at most one turn and one request, independent
 * of the number of connections and pending requests.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";

/** Time that all connections together handle requests before sockets and timers are polled. */
const TURN_MS = 4;
/** Time that one connection handles requests while others wait. */
const SLICE_MS = 0.5;
/** Cheap requests handled without reading the clock, which costs 2% of their time. */
const MAX_UNTIMED = 8;
/** If no request was handled for this long, the event loop has polled in between. */
const QUIET_MS = 1;
/** Upper bound on the microtask rounds of a request that waits for nothing external. */
const ROUNDS = 32;

/** Time used by one connection. */
export class Share {
  /** Time used, in milliseconds, raised to the others' level after an idle period. */
  usedMs = 0;
  /** Time used since the connection last waited for its turn or its client. */
  sliceMs = 0;
}

interface Waiter {
  readonly share: Share;
  readonly resolve: () => void;
}

/** Decides which connection may handle its next request. */
export class Turns {
  readonly #clock: Pick<Clock, "yield">;
  readonly #now: () => number;
  /** A binary heap ordered by used time, least first. */
  readonly #waiting: Waiter[] = [];
  #isPumping = false;
  /** The connection resumed last, until it has used its slice. */
  #running: Share | undefined;
  #wokenMs = 0;
  #untimed = 0;
  #turnBeganMs = 0;
  #lastMs = 0;
  /** The used time of the connection resumed last. */
  #virtualMs = 0;

  /** @param now Milliseconds since an arbitrary origin. Default: `performance.now()`. */
  constructor(clock: Pick<Clock, "yield">, now: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#now = now;
  }

  /** Number of connections waiting for their turn. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * Whether a connection may handle a cheap request immediately, without a call of `used()`.
   * Otherwise it must call `mayGo()`.
   */
  mayGoUntimed(): boolean {
    return this.#waiting.length === 0 && ++this.#untimed <= MAX_UNTIMED;
  }

  /** Whether a connection may handle a request immediately. Otherwise it must call `wait()`. */
  mayGo(share: Share): boolean {
    this.#untimed = 0;
    const nowMs = this.#now();
    if (nowMs - this.#lastMs > QUIET_MS && !this.#isPumping) this.#turnBeganMs = nowMs;
    this.#lastMs = nowMs;
    this.#countRunning(share, nowMs);
    if (nowMs - this.#turnBeganMs >= TURN_MS || share.sliceMs >= SLICE_MS) return false;
    const first = this.#waiting[0];
    return first === undefined || share.sliceMs > 0 ||
      this.#raised(share) <= first.share.usedMs;
  }

  /** Records that the connection waited for its client: its next request starts a new slice. */
  rested(share: Share): void {
    share.sliceMs = 0;
    if (this.#running === share) this.#running = undefined;
  }

  /** Resolves when it is the connection's turn. */
  wait(share: Share): Promise<void> {
    this.rested(share);
    share.usedMs = this.#raised(share);
    return new Promise((resolve) => {
      this.#push({ share, resolve });
      if (!this.#isPumping) this.#pump();
    });
  }

  /** Records that a request was handled since `mayGo()` or `wait()`. */
  used(share: Share): void {
    const nowMs = this.#now();
    const ms = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    share.usedMs += ms;
    share.sliceMs += ms;
    this.#countRunning(share, nowMs);
  }

  /**
   * For the resumed connection all elapsed time counts, including asynchronous parts of its
   * requests.
   */
  #countRunning(share: Share, nowMs: number): void {
    if (this.#running !== share) return;
    share.sliceMs = nowMs - this.#wokenMs;
    share.usedMs = this.#virtualMs + share.sliceMs;
  }

  /**
   * Used time for ordering. An idle period gains at most one slice over connections that had none.
   */
  #raised({ usedMs }: Share): number {
    return Math.max(usedMs, this.#virtualMs - SLICE_MS);
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    while (this.#waiting.length > 0) {
      await this.#clock.yield();
      this.#lastMs = this.#turnBeganMs = this.#now();
      do {
        const { share, resolve } = this.#pop();
        this.#virtualMs = share.usedMs;
        this.#running = share;
        this.#lastMs = this.#wokenMs = this.#now();
        resolve();
        await this.#sliceEnd(share);
      } while (this.#waiting.length > 0 && this.#now() - this.#turnBeganMs < TURN_MS);
    }
    this.#isPumping = false;
  }

  /** Resolves when the resumed connection has used its slice or waits for something else. */
  async #sliceEnd(share: Share): Promise<void> {
    let { usedMs } = share;
    for (let round = 0; round < ROUNDS && this.#running === share; round++) {
      await undefined;
      if (share.usedMs === usedMs) continue;
      ({ usedMs } = share);
      round = 0;
    }
    this.#running = undefined;
  }

  #push(waiter: Waiter): void {
    const heap = this.#waiting;
    let at = heap.length;
    heap.push(waiter);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.share.usedMs <= waiter.share.usedMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = waiter;
  }

  #pop(): Waiter {
    const heap = this.#waiting;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && heap[right]!.share.usedMs < heap[child]!.share.usedMs) {
        child = right;
      }
      if (heap[child]!.share.usedMs >= last.share.usedMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
