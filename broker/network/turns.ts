/**
 * Shares the event loop among connections, so that one that sends many requests at once does not make
 * the others wait for all of them.
 *
 * A connection handles requests at a stretch until its slice is used up, or all connections together
 * have used up this turn of the loop. Then it waits; the loop polls sockets and timers, and those that
 * wait go on in the order of the time they have used (start-time fair queueing): a connection that was
 * quiet comes before those that were not. So it waits for one turn and one request at most, however many
 * connections have however many requests.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";

/** How long connections handle requests, all together, before sockets and timers are polled again. */
const TURN_MS = 4;
/** How long one connection handles requests while others may wait. */
const SLICE_MS = 0.5;
/** Cheap requests that may go without a look at the clock, which costs a fiftieth of what they do. */
const MAX_UNTIMED = 8;
/** When nobody has handled a request for so long, the loop has been polled. */
const QUIET_MS = 1;
/** More rounds of reactions than a request takes from which nothing is waited for. */
const ROUNDS = 32;

/** What one connection has used of the loop's time. */
export class Share {
  /** Time used, in milliseconds, raised to that of the others when it comes back from a rest. */
  usedMs = 0;
  /** Time used since it last waited, for its turn or for its client. */
  sliceMs = 0;
}

interface Waiter {
  readonly share: Share;
  readonly resolve: () => void;
}

/** Says which connection may handle its next request. */
export class Turns {
  readonly #clock: Pick<Clock, "yield">;
  readonly #now: () => number;
  /** A binary heap: the one that has used least is first. */
  readonly #waiting: Waiter[] = [];
  #isPumping = false;
  /** The connection that was woken, until it has used its slice. */
  #running: Share | undefined;
  #wokenMs = 0;
  #untimed = 0;
  #turnBeganMs = 0;
  #lastMs = 0;
  /** What the connection that was woken last had used. */
  #virtualMs = 0;

  /** @param now Milliseconds since any time. Default: `performance.now()`. */
  constructor(clock: Pick<Clock, "yield">, now: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#now = now;
  }

  /** Connections that wait for their turn. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * Whether a connection may handle a request of a few microseconds at once, and need not tell what it
   * has `used()`. Else it is to ask whether it `mayGo()`.
   */
  mayGoUntimed(): boolean {
    return this.#waiting.length === 0 && ++this.#untimed <= MAX_UNTIMED;
  }

  /** Whether a connection may handle a request at once; else it is to `wait()`. */
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

  /** Notes that the connection waited for its client: what it handles next is a new slice. */
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

  /** Notes that a request was handled since `mayGo()` or `wait()`. */
  used(share: Share): void {
    const nowMs = this.#now();
    const ms = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    share.usedMs += ms;
    share.sliceMs += ms;
    this.#countRunning(share, nowMs);
  }

  /** Of a connection that was woken all time counts, also what its requests take later on. */
  #countRunning(share: Share, nowMs: number): void {
    if (this.#running !== share) return;
    share.sliceMs = nowMs - this.#wokenMs;
    share.usedMs = this.#virtualMs + share.sliceMs;
  }

  /** What is held against a connection: a rest gains it one slice on those that had none, not more. */
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

  /** Resolves when a connection that was woken has used its slice, or waits for something else. */
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
