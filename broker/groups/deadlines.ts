/**
 * Many deadlines on one timer.
 *
 * Every heartbeat extends a session, so extending must be cheap: a deadline that is moved later
 * stays at its place in the queue and is requeued when its old time comes. The queue changes once
 * per member and session timeout, not once per heartbeat.
 *
 * Deadlines do not expire while the process is not running: if a timer fires much too late because
 * the machine slept, the event loop was blocked or the clock was changed, requests sent meanwhile
 * have not been read yet, so all deadlines move by the same time.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";

const NEVER = Infinity;

/** Cancelled queue entries tolerated before the queue is cleaned. */
const SLACK = 64;

/** Delay of a timer, in milliseconds, above which deadlines are moved. */
const MAX_DRIFT_MS = 1000;

/** A time at which a callback runs, unless it is moved or cancelled before. */
export class Deadline {
  readonly #queue: DeadlineQueue;
  readonly #callback: () => void;
  /** The due time in queue time. */
  #dueMs = NEVER;
  /** The time of its queue entry, at most `#dueMs` while the deadline is set. */
  #queuedMs = NEVER;

  /** Use {@linkcode DeadlineQueue.deadline}. */
  constructor(queue: DeadlineQueue, callback: () => void) {
    this.#queue = queue;
    this.#callback = callback;
  }

  /** Whether the deadline is set. */
  get isSet(): boolean {
    return this.#dueMs !== NEVER;
  }

  /** Sets or moves the deadline to `delayMs` from now. */
  setIn(delayMs: number): void {
    this.#dueMs = this.#queue.nowMs() + Math.max(0, delayMs);
    if (this.#dueMs < this.#queuedMs) this.#enqueue();
  }

  /** Cancels the deadline. */
  cancel(): void {
    if (!this.isSet) return;
    this.#dueMs = NEVER;
    this.#queue.noteCancelled();
  }

  /** For the queue: whether an entry at `atMs` belongs to this deadline and is still needed. */
  holds(atMs: number): boolean {
    return this.#queuedMs === atMs && this.isSet;
  }

  /** For the queue: handles its entry at `atMs`. Fires if due, otherwise queues it again. */
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

  /** For the queue: its entry was removed. */
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
  /** The clock's lead over queue time. */
  #driftMs = 0;

  /** @param onError Called with errors thrown by callbacks. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Number of queue entries, for tests. */
  get size(): number {
    return this.#heap.length;
  }

  /** Creates a deadline, not yet set. */
  deadline(callback: () => void): Deadline {
    return new Deadline(this, callback);
  }

  /** Cancels all deadlines. */
  clear(): void {
    for (const { deadline, atMs } of this.#heap) {
      deadline.cancel();
      deadline.dropped(atMs);
    }
    this.#heap = [];
    this.#cancelled = 0;
    this.#arm();
  }

  /** The current queue time in milliseconds. */
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
    // A sorted array is a valid heap.
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
