/**
 * The SDK: what a program imports to write to and read from a Kafka-compatible cluster.
 *
 * A {@linkcode Client} stands for the cluster. From it come an {@linkcode Admin}, which creates and
 * describes topics, {@linkcode Producer}s, which send messages, and {@linkcode Consumer}s, which read
 * them, or {@linkcode GroupConsumer}s, which share the reading. Whatever waits takes a `signal`; whatever is opened has a `close()` and can be left to
 * `await using`. Errors are {@linkcode DqueueError}s that say what to do about them.
 *
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 *
 * // A broker in this process, as for a test; for one elsewhere: new Client({ brokers: "host:9092" }).
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "greetings" });
 *
 * const producer = client.producer();
 * await producer.send({ topic: "greetings", key: "en", value: "hello" });
 *
 * const consumer = client.consumer();
 * await consumer.subscribe("greetings");
 * for await (const message of consumer) {
 *   console.log(message.text());
 *   break;
 * }
 * ```
 *
 * How the files work together: `client_core.ts` is what the classes share, with the metadata cache
 * (`cluster_metadata.ts`) and connections (`connection_lane.ts`, `connection.ts`). The way of a message
 * out is told in `producer.ts`, its way in in `consumer.ts`, and how consumers share it in
 * `group_consumer.ts`. Nothing here knows of the broker's code: a
 * broker in the same process is any object that hands out channels (`dialer.ts`).
 *
 * @module
 */

export * from "./connection/mod.ts";
export * from "./producer/mod.ts";
export * from "./consumer/mod.ts";
export * from "./group/mod.ts";
export * from "./admin/mod.ts";
export { Client } from "./client.ts";
export type { ClientOptions, RetryOptions } from "./client_options.ts";
export {
  ClosedError,
  ConnectionError,
  CorruptBatchError,
  DqueueError,
  type DqueueErrorOptions,
  KafkaError,
  ProtocolError,
  SerializationError,
  TimeoutError,
  UnsupportedVersionError,
  UsageError,
} from "./errors.ts";
export type { TopicPartition } from "./topic_partition.ts";
export { type MessageData, MessageHeaders, type MessageHeadersInit } from "./message_headers.ts";
