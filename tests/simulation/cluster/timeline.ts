/**
 * The true time of a simulation of several machines, and everything that is going to happen.
 *
 * @module
 */

import { check } from "../violation.ts";

/** Something that happens at a time, unless it is cancelled. */
export interface Happening {
  readonly dueMs: number;
  readonly order: number;
  /** Undefined once it has happened or was cancelled. */
  callback: (() => void) | undefined;
}

const MAX_EVENTS_AT_ONCE = 50_000;
const START_MS = 1_700_000_000_000;

/** Time that jumps from one event to the next. */
export class Timeline {
  #nowMs = START_MS;
  #order = 0;
  /** How much has happened without time going on. */
  #count = 0;
  /** A binary heap, earliest first. */
  readonly #heap: Happening[] = [];

  /** Milliseconds since 1970, as of the only clock that is right. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls `callback` after a delay, which is at least that of what is due now. */
  after(delayMs: number, callback: () => void): Happening {
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const happening = { dueMs, order: this.#order++, callback };
    this.#push(happening);
    return happening;
  }

  /** Runs the next event that is due before `endMs`; without one, it is then. */
  next(endMs: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > endMs) {
        this.#nowMs = Math.max(this.#nowMs, endMs);
        return false;
      }
      this.#pop();
      const { callback } = first;
      if (callback === undefined) continue;
      this.#count = first.dueMs > this.#nowMs ? 0 : this.#count + 1;
      check(this.#count < MAX_EVENTS_AT_ONCE, () => "Time does not go on");
      this.#nowMs = first.dueMs;
      first.callback = undefined;
      callback();
      return true;
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(happening);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isEarlier(heap[parent]!, happening)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isEarlier(heap[child + 1]!, heap[child]!)) child++;
      if (isEarlier(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isEarlier(a: Happening, b: Happening): boolean {
  return a.dueMs < b.dueMs || a.dueMs === b.dueMs && a.order < b.order;
}
