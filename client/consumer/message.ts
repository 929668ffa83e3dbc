/**
 * A message as a consumer gets it.
 *
 * A message is a view of a record in the response it came with: nothing is copied or decoded before it
 * is asked for. So a message that is kept keeps its whole response in memory; where few of many messages
 * are kept for long, keep copies of what is needed of them (`message.value?.slice()`).
 *
 * @module
 */

import type { Record as BatchRecord } from "../../protocol/records/record.ts";
import { describeError, SerializationError } from "../errors.ts";
import { MessageHeaders } from "../message_headers.ts";

/** Who set the timestamps of a topic's messages: the producer, or the broker as it appended them. */
export type TimestampType = "CreateTime" | "LogAppendTime";

/** What all messages of a batch have in common. */
export interface MessageOrigin {
  /** The topic they were read from. */
  readonly topic: string;
  /** The partition they were read from. */
  readonly partition: number;
  /** The epoch of the leader that appended them, −1 if not known. */
  readonly leaderEpoch: number;
  /** Who set their timestamps. */
  readonly timestampType: TimestampType;
}

const TEXT_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * One message of a topic.
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

  /** Users get messages from a consumer. */
  constructor(origin: MessageOrigin, record: BatchRecord) {
    this.#origin = origin;
    this.#record = record;
  }

  /** The topic it was read from. */
  get topic(): string {
    return this.#origin.topic;
  }

  /** The partition it was read from. */
  get partition(): number {
    return this.#origin.partition;
  }

  /** Its place in the partition. */
  get offset(): number {
    return this.#record.offset;
  }

  /**
   * Milliseconds since 1970, −1 if it has none. A timestamp beyond 2^53 − 1, as of a producer that
   * writes nanoseconds, is the nearest number; `exactTimestamp` has all its digits.
   */
  get timestamp(): number {
    return this.#record.timestamp;
  }

  /** The timestamp with all its digits, whatever its size. */
  get exactTimestamp(): bigint {
    return this.#record.exactTimestamp;
  }

  /** Who set the timestamp. */
  get timestampType(): TimestampType {
    return this.#origin.timestampType;
  }

  /** The epoch of the leader that appended it, −1 if not known. */
  get leaderEpoch(): number {
    return this.#origin.leaderEpoch;
  }

  /** The key's bytes, a view; null if there is no key. */
  get key(): Uint8Array | null {
    return this.#record.key;
  }

  /** The value's bytes, a view; null for a tombstone, which on a compacted topic deletes its key. */
  get value(): Uint8Array | null {
    return this.#record.value;
  }

  /** The size of the key in bytes, −1 if there is no key. */
  get keySize(): number {
    return this.#record.keySize;
  }

  /** The size of the value in bytes, −1 if it is null. */
  get valueSize(): number {
    return this.#record.valueSize;
  }

  /** The headers, decoded anew each time. */
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
   * The value read as JSON.
   *
   * @returns What the JSON says; null if the value is null.
   * @throws {SerializationError} If the value is not JSON.
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

  /** Shows what the message holds, key and value as text. */
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
