/**
 * The consumer: reads partitions, without a group.
 *
 * A `Consumer` has a `Subscription` with a `PartitionReader` per partition, which keeps the
 * position. The `Fetcher` prefetches for the readers, with one `FetchRequest` per leader;
 * `fetched_batches.ts` splits the response into batches and skips those that the reader must not
 * see. A `ReaderRound` gives each partition its turn. `MessageLoop` has `poll()`, iterators and
 * streams, and `PartitionControls` positions and pausing, for consumers with and without a group.
 * `offset_lookup.ts` looks up offsets by timestamp, `fetch_once.ts` fetches without a subscription.
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
export type {
  IsolationLevel,
  IsolationOptions,
  OffsetSpec,
  PartitionOffset,
} from "./offset_lookup.ts";
