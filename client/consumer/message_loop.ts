/**
 * How programs ask for messages, with or without a group: by `poll()`, as an iterator, as a stream.
 *
 * @module
 */

import { atLeast } from "../option_checks.ts";
import { ensureKnown } from "../ensure_known.ts";
import {
  DEFAULT_POLL_MAX,
  DEFAULT_POLL_TIMEOUT_MS,
  POLL_NAMES,
  type PollOptions,
} from "./consumer_options.ts";
import type { Message } from "./message.ts";

/** Where messages come from. */
export interface MessageSource {
  /** Whether there will be no more messages: iterators and streams end. */
  readonly isEnded: boolean;
  /** Makes sure that messages can be read. @throws Why they cannot. */
  ensureReadable(): Promise<void> | void;
  /** Returns up to `max` messages that have arrived. @throws Why a partition cannot be read. */
  take(max: number): Message[];
  /** Returns the next message, if it has arrived. @throws Why a partition cannot be read. */
  next(): Message | undefined;
  /** Waits at most `ms` milliseconds for a change. Returns whether there was one. */
  wait(ms: number, signal?: AbortSignal): Promise<boolean>;
}

/** The calls for messages of a consumer. */
export class MessageLoop implements AsyncIterable<Message> {
  readonly #source: MessageSource;

  constructor(source: MessageSource) {
    this.#source = source;
  }

  /** Returns up to `max` messages that have arrived, or waits for the first. */
  async poll(max: number = DEFAULT_POLL_MAX, options: PollOptions = {}): Promise<Message[]> {
    atLeast("max", max, 1);
    ensureKnown("poll()", options, POLL_NAMES);
    const { timeoutMs = DEFAULT_POLL_TIMEOUT_MS, signal } = options;
    const until = performance.now() + timeoutMs;
    for (;;) {
      const readable = this.#source.ensureReadable();
      if (readable !== undefined) await readable;
      signal?.throwIfAborted();
      const messages = this.#source.take(max);
      if (messages.length > 0) return messages;
      // Yields even if no time is left: a loop of polls must not keep data from arriving.
      const left = Math.max(0, until - performance.now());
      if (!await this.#source.wait(left, signal)) return [];
    }
  }

  /** Iterates over messages as they arrive. One that is there costs no more than a promise. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    const source = this.#source;
    const iterator: AsyncIterableIterator<Message> = {
      next: () => {
        const message = source.isEnded ? undefined : source.next();
        return message === undefined
          ? this.#next()
          : Promise.resolve({ done: false, value: message });
      },
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** A stream that takes a message only when it is read from: none counts as read before. */
  get readable(): ReadableStream<Message> {
    const iterator = this[Symbol.asyncIterator]();
    return new ReadableStream<Message>({
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    }, { highWaterMark: 0 });
  }

  async #next(): Promise<IteratorResult<Message>> {
    const source = this.#source;
    for (;;) {
      if (source.isEnded) return { done: true, value: undefined };
      const readable = source.ensureReadable();
      if (readable !== undefined) await readable;
      const message = source.next();
      if (message !== undefined) return { done: false, value: message };
      await source.wait(Infinity);
    }
  }
}
