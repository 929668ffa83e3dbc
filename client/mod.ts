/**
 * The SDK: a client library for Kafka-compatible clusters.
 *
 * A {@linkcode Client} connects to a cluster. It creates {@linkcode Admin}s, which create and
 * describe topics, {@linkcode Producer}s, which send messages, {@linkcode Consumer}s, which read
 * them, and {@linkcode GroupConsumer}s, which share the reading. Every call that waits takes a
 * `signal`; every resource has a `close()` and works with `await using`. Errors are {@linkcode
 * DqueueError}s with advice on what to do.
 *
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 *
 * // A broker in this process, as in a test. For another: new Client({ brokers: "host:9092" }).
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
 * How the folders work together: `connection/` has the `ClientCore` that all classes share, with
 * the metadata cache and the connections. `producer/producer.ts` describes how a message is sent,
 * `consumer/consumer.ts` how it is read, and `group/mod.ts` how consumers share the partitions.
 * `transactions/mod.ts` describes transactions, and `transform/` is one loop made of all of these.
 * Nothing here imports the broker: a broker in the same process is any object that opens channels
 * (`connection/dialer.ts`).
 *
 * @module
 */

export * from "./connection/mod.ts";
export * from "./producer/mod.ts";
export * from "./consumer/mod.ts";
export * from "./group/mod.ts";
export * from "./transactions/mod.ts";
export * from "./transform/mod.ts";
export * from "./admin/mod.ts";
export * from "./security/mod.ts";
export * from "./tracing/mod.ts";
export { Client } from "./client.ts";
export type { ClientOptions, RetryOptions } from "./client_options.ts";
export {
  AuthenticationError,
  CertificateError,
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
export { json } from "./json.ts";
export type { TopicPartition } from "./topic_partition.ts";
export { type MessageData, MessageHeaders, type MessageHeadersInit } from "./message_headers.ts";
