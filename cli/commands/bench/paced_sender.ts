/**
 * Sends messages at a fixed rate, or as fast as possible, and measures the latency of each.
 *
 * At a fixed rate each message has a due time, whether or not the previous messages are done. Its
 * latency is measured from that time, so it includes delays caused by slow responses. Measuring
 * from the actual send time would omit exactly these delays (coordinated omission).
 *
 * @module
 */

import type { OutgoingMessage, Producer } from "../../../client/mod.ts";
import { delay } from "../../../client/connection/waiting.ts";

/** Maximum number of messages passed to the producer in one call. */
const MAX_BATCH_COUNT = 1000;
/** Without a rate, at most this many bytes are in flight: more would only wait in a queue. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024;
/** Interval between checks for messages that are due. */
const TICK_MS = 1;

/** The messages to send, and their rate. */
interface PacedOptions {
  /** Number of messages. */
  readonly count: number;
  /** Messages per second; undefined for as many as possible. */
  readonly rate: number | undefined;
  /** Size of a message in bytes. */
  readonly size: number;
  /** Due time of the first message, on the clock of `performance.now()`. */
  readonly startMs: number;
  readonly signal: AbortSignal;
  /** Creates the message with an index, from 0. */
  message(index: number): OutgoingMessage;
  /**
   * Called when messages have been written.
   *
   * @param first Index of the first message.
   * @param count Number of messages.
   * @param dueMs Due time of each message, on the clock of `performance.now()`.
   * @param doneMs Time at which they were written, on the same clock.
   */
  onWritten?(first: number, count: number, dueMs: (index: number) => number, doneMs: number): void;
}

/**
 * Sends messages, and resolves when all have been written.
 *
 * @throws {SendBatchError} If a message was not written. Also throws the reason of the signal.
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
    // At a fixed rate only the due time may delay the next message.
    if (rate === undefined && pending.size >= maxPending) await Promise.race(pending);
  }
  await Promise.all(pending);
  if (failure !== undefined) throw failure.error;
}
