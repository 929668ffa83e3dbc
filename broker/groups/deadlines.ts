/**
 * Many deadlines on one timer of the clock.
 *
 * A member's session is extended by every heartbeat, so extending must cost nothing: a deadline that
 * moves later stays where it is in the queue, and is put back when its old time comes up. The queue is
 * touched once per session timeout and member, not once per heartbeat.
 *
 * Time here stands still while the process does: if a timer comes back much too late, because the
 * machine slept, the event loop was blocked or somebody set the clock, then whatever members sent
 * meanwhile has not been read yet either, and all deadlines move by as much.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";

const NEVER = Infinity;

/** Cancelled places in the queue that are tolerated before it is cleaned. */
const SLACK = 64;

/** How far a timer may miss its time, in milliseconds, before it is the clock that is taken for wrong. */
const MAX_DRIFT_MS = 1000;

/** A moment at which something is done, unless it is moved or cancelled before. */
export class Deadline {
  readonly #queue: DeadlineQueue;
  readonly #callback: () => void;
  /** When it is due, in the queue's time. */
  #dueMs = NEVER;
  /** The time of its place in the queue, never later than `#dueMs` while one is set. */
  #queuedMs = NEVER;

  /** Use {@linkcode DeadlineQueue.deadline}. */
  constructor(queue: DeadlineQueue, callback: () => void) {
    this.#queue = queue;
    this.#callback = callback;
  }

  /** Whether it will come. */
  get isSet(): boolean {
    return this.#dueMs !== NEVER;
  }

  /** Sets it, or moves it, to `delayMs` from now. */
  setIn(delayMs: number): void {
    this.#dueMs = this.#queue.nowMs() + Math.max(0, delayMs);
    if (this.#dueMs < this.#queuedMs) this.#enqueue();
  }

  /** Takes it back. */
  cancel(): void {
    if (!this.isSet) return;
    this.#dueMs = NEVER;
    this.#queue.noteCancelled();
  }

  /** For the queue: whether a place at `atMs` is this deadline's, and it is still needed. */
  holds(atMs: number): boolean {
    return this.#queuedMs === atMs && this.isSet;
  }

  /** For the queue: its place at `atMs` has come up. Fires it if it is due, else queues it anew. */
  reached(atMs: number, nowMs: number): void {
    if (this.#queuedMs !== atMs) return;
    this.#queuedMs = NEVER;
    if (this.#dueMs > nowMs) {
      if (this.isSet) this.#enqueue();
      return;
    }
    this.#dueMs = NEVER;
    this.#callback();
  }

  /** For the queue: its place is gone. */
  dropped(atMs: number): void {
    if (this.#queuedMs === atMs) this.#queuedMs = NEVER;
  }

  #enqueue(): void {
    this.#queuedMs = this.#dueMs;
    this.#queue.enqueue(this, this.#queuedMs);
  }
}

interface Place {
  readonly atMs: number;
  readonly deadline: Deadline;
}

/** The deadlines of one coordinator. */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  /** A binary heap by time. */
  #heap: Place[] = [];
  #cancelled = 0;
  #timer: number | undefined;
  #timerMs = NEVER;
  #isRunning = false;
  /** What the clock shows more than the time that counts here. */
  #driftMs = 0;

  /** @param onError Told of what a deadline's callback throws. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Places in the queue, for tests of what it costs. */
  get size(): number {
    return this.#heap.length;
  }

  /** A deadline that calls `callback`, not yet set. */
  deadline(callback: () => void): Deadline {
    return new Deadline(this, callback);
  }

  /** Drops all deadlines. */
  clear(): void {
    for (const { deadline, atMs } of this.#heap) {
      deadline.cancel();
      deadline.dropped(atMs);
    }
    this.#heap = [];
    this.#cancelled = 0;
    this.#arm();
  }

  /** The time that counts for deadlines, in milliseconds. */
  nowMs(): number {
    return this.#clock.now() - this.#driftMs;
  }

  enqueue(deadline: Deadline, atMs: number): void {
    const heap = this.#heap;
    heap.push({ atMs, deadline });
    this.#siftUp(heap.length - 1);
    if (!this.#isRunning) this.#arm();
  }

  noteCancelled(): void {
    this.#cancelled++;
    if (this.#cancelled > SLACK && this.#cancelled > this.#heap.length / 2) this.#clean();
  }

  #clean(): void {
    const kept: Place[] = [];
    for (const place of this.#heap) {
      if (place.deadline.holds(place.atMs)) kept.push(place);
      else place.deadline.dropped(place.atMs);
    }
    // Sorted is a heap, too.
    this.#heap = kept.sort((a, b) => a.atMs - b.atMs);
    this.#cancelled = 0;
    if (!this.#isRunning) this.#arm();
  }

  #arm(): void {
    const nextMs = this.#heap[0]?.atMs ?? NEVER;
    if (nextMs === this.#timerMs) return;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timerMs = nextMs;
    this.#timer = nextMs === NEVER
      ? undefined
      : this.#clock.setTimeout(() => this.#run(), nextMs - this.nowMs());
  }

  #run(): void {
    const missedByMs = this.nowMs() - this.#timerMs;
    if (Math.abs(missedByMs) > MAX_DRIFT_MS) this.#driftMs += missedByMs;
    this.#timer = undefined;
    this.#timerMs = NEVER;
    this.#isRunning = true;
    const nowMs = this.nowMs();
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= nowMs) {
      const { deadline, atMs } = this.#pop();
      try {
        deadline.reached(atMs, nowMs);
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#isRunning = false;
    this.#arm();
  }

  #pop(): Place {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.#siftDown();
    }
    return first;
  }

  #siftUp(index: number): void {
    const heap = this.#heap;
    const place = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.atMs <= place.atMs) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = place;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const place = heap[0]!;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++;
      if (heap[child]!.atMs >= place.atMs) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = place;
  }
}
