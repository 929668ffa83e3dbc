/**
 * Reading partitions, without a group.
 *
 * A `Consumer` has a `Subscription`, with a `PartitionReader` for each partition that says how far the
 * program is. The `Fetcher` fetches ahead for the readers, one `FetchRequest` for each leader;
 * `fetched_batches.ts` takes the batches apart and leaves out what the reader is not to see. A
 * `ReaderRound` gives each partition its turn. `message_stream.ts` makes iterators and streams of
 * `Message`s. `offset_lookup.ts` finds offsets by time, `fetch_once.ts` reads without a subscription.
 *
 * @module
 */

export { Consumer } from "./consumer.ts";
export type { ConsumerState, ConsumerStatus } from "./consumer_status.ts";
export type {
  ConsumerOptions,
  FetchFromOptions,
  FetchFromResult,
  MessageHandler,
  PollOptions,
  ReadingOptions,
  StartOffset,
  SubscribeOptions,
  SubscribePartitionOptions,
} from "./consumer_options.ts";
export { Message, type MessageOrigin, type TimestampType } from "./message.ts";
export type { IsolationLevel, OffsetSpec, PartitionOffset } from "./offset_lookup.ts";
