/**
 * Messages as an iterator and as a stream.
 *
 * @module
 */

import type { Message } from "./message.ts";

/**
 * Iterates over messages as they arrive.
 *
 * @param now Returns the next message if it is available: that costs no more than a promise.
 * @param later Waits for the next message, or the end.
 */
export function messageIterator(
  now: () => Message | undefined,
  later: () => Promise<IteratorResult<Message>>,
): AsyncIterableIterator<Message> {
  const iterator: AsyncIterableIterator<Message> = {
    next: () => {
      const message = now();
      return message === undefined ? later() : Promise.resolve({ done: false, value: message });
    },
    return: () => Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

/** A stream that takes a message only when it is read from: none counts as read before. */
export function messageStream(messages: AsyncIterable<Message>): ReadableStream<Message> {
  const iterator = messages[Symbol.asyncIterator]();
  return new ReadableStream<Message>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}
