/**
 * From messages to acknowledged record batches.
 *
 * A `Producer` gives messages to the `Accumulator`: a `Partitioner` chooses the partition, and
 * the message is encoded at the end of the `ProducerBatch` that is being filled there. The batches of a
 * partition wait in a `PartitionQueue`, which keeps their order and sequence numbers. The `Sender` puts
 * the batches for one broker into one `ProduceRequest` and deals with its answer. A `Delivery` is who
 * waits for the result. `TopicWriter` is the `WritableStream` over all that.
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
export type { WritableMessage } from "./topic_writer.ts";
