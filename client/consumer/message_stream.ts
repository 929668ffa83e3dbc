/**
 * Messages one after the other: as an iterator, and as a stream.
 *
 * @module
 */

import type { Message } from "./message.ts";

/**
 * An iterator over messages as they come.
 *
 * @param now The next message if it is there already, which then costs no more than a promise.
 * @param later The next message, or the end, when it comes.
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

/** A stream of messages that takes one only when it is read from, so that none counts as read unseen. */
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
