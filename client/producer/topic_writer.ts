/**
 * A `WritableStream` that sends everything written to it.
 *
 * @module
 */

import type { DqueueError } from "../errors.ts";
import { ensureMessage } from "./outgoing_message.ts";
import type { TopicMessage } from "./producer_options.ts";

/** An item of a stream to a topic: a message, or just a value. */
export type WritableMessage = TopicMessage | Uint8Array | string;

/** What the stream needs from its producer. */
export interface MessageSink {
  /**
   * Sends a message. Returns a promise if it has to wait for room.
   *
   * @param onSettled Called with the number of messages of this stream that were written or have
   * failed.
   */
  write(
    message: TopicMessage,
    onSettled: (count: number, error?: DqueueError) => void,
  ): Promise<void> | undefined;
  /** Sends waiting messages without lingering; resolves when all are sent. */
  flush(): Promise<void>;
}

/** The number of messages a stream accepts before `ready` makes the writer wait. */
const HIGH_WATER_MARK = 256;

/** Creates a stream of messages to `sink`. */
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
