/**
 * The producer: from messages to acknowledged record batches.
 *
 * A `Producer` hands messages to the `Accumulator`: a `Partitioner` chooses the partition, and the
 * message is encoded at the end of that partition's open `ProducerBatch`. The batches of a
 * partition wait in a `PartitionQueue`, which maintains their order and sequence numbers. The
 * `Sender` combines the batches for one broker into a `ProduceRequest` and handles the response. A
 * `Delivery` reports the outcome to the caller. `TopicWriter` is the `WritableStream` on top, and
 * `Transaction` sends in a transaction (`transactions/`).
 *
 * @module
 */

export { SendBatchError } from "./delivery.ts";
export { Producer } from "./producer.ts";
export type {
  CompressionName,
  OutgoingMessage,
  Partitioner,
  ProducerOptions,
  RecordMetadata,
  TopicMessage,
} from "./producer_options.ts";
export { type SendOffsetsOptions, Transaction, type TransactionState } from "./transaction.ts";
export type { WritableMessage } from "./topic_writer.ts";
