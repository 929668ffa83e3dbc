/**
 * A received message.
 *
 * A message is a view of a record in its fetch response: nothing is copied or decoded before it is
 * accessed. A retained message therefore keeps its whole response in memory; to keep few of many
 * messages for long, copy what is needed (`message.value?.slice()`).
 *
 * @module
 */

import type { Record as BatchRecord } from "../../protocol/records/record.ts";
import { describeError, SerializationError } from "../errors.ts";
import { MessageHeaders } from "../message_headers.ts";

/** The source of a timestamp: the producer, or the broker when it appended the message. */
export type TimestampType = "CreateTime" | "LogAppendTime";

/** What the messages of a batch have in common. */
export interface MessageOrigin {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The leader epoch of the batch; −1 if unknown. */
  readonly leaderEpoch: number;
  /** The source of the timestamps. */
  readonly timestampType: TimestampType;
}

const TEXT_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A message of a topic.
 *
 * @example Reading messages
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "orders" });
 * await client.producer().send({ topic: "orders", key: "42", value: '{"paid":true}' });
 *
 * const consumer = client.consumer();
 * await consumer.subscribe("orders");
 * const [message] = await consumer.poll();
 * assertEquals(message?.keyText(), "42");
 * assertEquals(message?.json(), { paid: true });
 * ```
 */
export class Message {
  readonly #origin: MessageOrigin;
  readonly #record: BatchRecord;

  /** @ignore Consumers create messages. */
  constructor(origin: MessageOrigin, record: BatchRecord) {
    this.#origin = origin;
    this.#record = record;
  }

  /** The topic. */
  get topic(): string {
    return this.#origin.topic;
  }

  /** The partition. */
  get partition(): number {
    return this.#origin.partition;
  }

  /** The offset. */
  get offset(): number {
    return this.#record.offset;
  }

  /**
   * Milliseconds since 1970; −1 if it has none. A timestamp beyond 2^53 − 1, such as nanoseconds,
   * is rounded to the nearest number; `exactTimestamp` is exact.
   */
  get timestamp(): number {
    return this.#record.timestamp;
  }

  /** The timestamp as an exact bigint. */
  get exactTimestamp(): bigint {
    return this.#record.exactTimestamp;
  }

  /** The source of the timestamp. */
  get timestampType(): TimestampType {
    return this.#origin.timestampType;
  }

  /** The leader epoch; −1 if unknown. */
  get leaderEpoch(): number {
    return this.#origin.leaderEpoch;
  }

  /** The bytes of the key, a view; null if there is no key. */
  get key(): Uint8Array | null {
    return this.#record.key;
  }

  /**
   * The bytes of the value, a view; null for a tombstone, which deletes its key in a compacted
   * topic.
   */
  get value(): Uint8Array | null {
    return this.#record.value;
  }

  /** The size of the key in bytes; −1 if there is no key. */
  get keySize(): number {
    return this.#record.keySize;
  }

  /** The size of the value in bytes; −1 if it is null. */
  get valueSize(): number {
    return this.#record.valueSize;
  }

  /** The headers, decoded on each access. */
  get headers(): MessageHeaders {
    return new MessageHeaders(this.#record.headers);
  }

  /**
   * The value as text.
   *
   * @returns The text, with U+FFFD for bytes that are not UTF-8; empty if the value is null.
   */
  text(): string {
    const value = this.#record.value;
    return value === null ? "" : TEXT_DECODER.decode(value);
  }

  /**
   * The value parsed as JSON.
   *
   * @returns The parsed value; null if the value is null.
   * @throws {SerializationError} If the value is not valid JSON.
   */
  json<T = unknown>(): T {
    const value = this.#record.value;
    if (value === null) return null as T;
    try {
      return JSON.parse(TEXT_DECODER.decode(value)) as T;
    } catch (error) {
      throw new SerializationError(
        `Cannot read value of ${this.topic}-${this.partition} at offset ${this.offset} as JSON: ` +
          describeError(error),
        { cause: error },
      );
    }
  }

  /**
   * The key as text.
   *
   * @returns The text, with U+FFFD for bytes that are not UTF-8; null if there is no key.
   */
  keyText(): string | null {
    const key = this.#record.key;
    return key && TEXT_DECODER.decode(key);
  }

  /** Shows the content of the message, with key and value as text. */
  [Symbol.for("Deno.customInspect")](
    inspect: (value: unknown, options: unknown) => string,
    options: unknown,
  ): string {
    const { topic, partition, offset, timestamp, headers } = this;
    const key = this.keyText();
    const value = this.value && this.text();
    return `Message ${
      inspect({ topic, partition, offset, timestamp, key, value, headers }, options)
    }`;
  }
}
