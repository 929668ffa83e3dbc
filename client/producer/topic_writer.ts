/**
 * A `WritableStream` that sends what is written to it.
 *
 * @module
 */

import type { DqueueError } from "../errors.ts";
import { ensureMessage } from "./outgoing_message.ts";
import type { TopicMessage } from "./producer_options.ts";

/** What a stream to a topic takes: a message, or a bare value. */
export type WritableMessage = TopicMessage | Uint8Array | string;

/** What such a stream needs of its producer. */
export interface MessageSink {
  /**
   * Sends a message. Returns a promise if there is no room for more at the moment.
   *
   * @param onSettled Called when so many messages of this stream were written, or have failed.
   */
  write(
    message: TopicMessage,
    onSettled: (count: number, error?: DqueueError) => void,
  ): Promise<void> | undefined;
  /** Has what waits sent without lingering; resolves when all of it was. */
  flush(): Promise<void>;
}

/** Messages a stream takes in before `ready` makes the writer wait. */
const HIGH_WATER_MARK = 256;

/** A stream of messages to `sink`. */
export function topicWriter(sink: MessageSink): WritableStream<WritableMessage> {
  let unsettled = 0;
  let failure: DqueueError | undefined;
  let onEmpty: (() => void) | undefined;
  let controller: WritableStreamDefaultController;
  const onSettled = (count: number, error?: DqueueError) => {
    unsettled -= count;
    if (error !== undefined && failure === undefined) {
      failure = error;
      controller.error(error);
    }
    if (unsettled === 0) onEmpty?.();
  };
  return new WritableStream<WritableMessage>({
    start(own) {
      controller = own;
    },
    write(chunk) {
      const message = typeof chunk === "string" || chunk instanceof Uint8Array
        ? { value: chunk }
        : chunk;
      ensureMessage(message);
      unsettled++;
      return sink.write(message, onSettled);
    },
    async close() {
      const flushed = sink.flush();
      if (unsettled > 0) await new Promise<void>((resolve) => onEmpty = resolve);
      await flushed;
      if (failure !== undefined) throw failure;
    },
  }, { highWaterMark: HIGH_WATER_MARK });
}
