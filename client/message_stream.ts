/**
 * Messages as a stream.
 *
 * @module
 */

import type { Message } from "./message.ts";

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
