/**
 * Sends messages at a fixed rate, or as fast as can be, and measures how long each takes.
 *
 * At a fixed rate a message is due at its time whether or not the ones before are done. Its latency
 * counts from then, so that what a slow answer held up counts too; to count from the moment it was
 * really sent would leave out just the waits that matter (coordinated omission).
 *
 * @module
 */

import type { OutgoingMessage, Producer } from "../../../client/mod.ts";
import { delay } from "../../../client/connection/waiting.ts";

/** Messages handed to the producer at once, at most. */
const MAX_BATCH_COUNT = 1000;
/** At full speed no more than this many bytes are on their way: more would only wait in a queue. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024;
/** How often it is looked which messages are due. */
const TICK_MS = 1;

/** What to send. */
export interface PacedOptions {
  /** How many messages. */
  readonly count: number;
  /** Messages per second; undefined for as many as can be. */
  readonly rate: number | undefined;
  /** The size of a message in bytes. */
  readonly size: number;
  /** When the first message is due, on the clock of `performance.now()`. */
  readonly startMs: number;
  readonly signal: AbortSignal;
  /** Makes the message of a number, from 0. */
  message(index: number): OutgoingMessage;
  /**
   * Called when messages were written.
   *
   * @param first the number of the first
   * @param count how many
   * @param dueMs when each was due, on the clock of `performance.now()`
   * @param doneMs when they were written, on the same clock
   */
  onWritten?(first: number, count: number, dueMs: (index: number) => number, doneMs: number): void;
}

/**
 * Sends messages and waits until all are written.
 *
 * @throws {SendBatchError} if a message was not written, or the reason of the signal
 */
export async function sendPaced(producer: Producer, options: PacedOptions): Promise<void> {
  const { count, rate, size, startMs, signal } = options;
  const maxPending = Math.max(2, Math.floor(MAX_PENDING_BYTES / (MAX_BATCH_COUNT * (size + 16))));
  const batchCount = Math.max(1, Math.min(MAX_BATCH_COUNT, Math.floor(MAX_PENDING_BYTES / size)));
  const pending = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  for (let next = 0; next < count && failure === undefined;) {
    signal.throwIfAborted();
    const nowMs = performance.now();
    const due = rate === undefined
      ? count
      : Math.min(count, Math.floor((nowMs - startMs) / 1000 * rate) + 1);
    if (due <= next) {
      await delay(Math.max(TICK_MS, (next * 1000) / rate! - (nowMs - startMs)));
      continue;
    }
    const first = next;
    next = Math.min(due, first + batchCount);
    const messages = Array.from({ length: next - first }, (_, i) => options.message(first + i));
    const dueMs = rate === undefined
      ? () => nowMs
      : (index: number) => startMs + index * 1000 / rate;
    const sent: Promise<void> = producer.sendBatch(messages).then(
      () => options.onWritten?.(first, messages.length, dueMs, performance.now()),
      (error) => void (failure ??= { error }),
    ).finally(() => pending.delete(sent));
    pending.add(sent);
    // At a fixed rate nothing may hold up the next message but its time.
    if (rate === undefined && pending.size >= maxPending) await Promise.race(pending);
  }
  await Promise.all(pending);
  if (failure !== undefined) throw failure.error;
}
