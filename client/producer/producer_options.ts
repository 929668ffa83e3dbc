/**
 * What a producer sends and can be told, with the defaults.
 *
 * @module
 */

import { ensureKnown, type Names } from "../ensure_known.ts";
import { CompressionType } from "../../protocol/compression/mod.ts";
import { atLeast, oneOf } from "../client_options.ts";
import { UsageError } from "../errors.ts";
import type { MessageData, MessageHeadersInit } from "../message_headers.ts";

/** A message to send, without the topic where that is known otherwise. */
export interface TopicMessage {
  /** The value; null deletes the key on a compacted topic. */
  readonly value: MessageData;
  /** The key. Messages with the same key go to the same partition. */
  readonly key?: MessageData | undefined;
  /** The partition. Default: chosen by the key, or in turn without one. */
  readonly partition?: number | undefined;
  /** Headers to travel with the message. */
  readonly headers?: MessageHeadersInit | undefined;
  /** Milliseconds since 1970, from −1 to below 2^63; a bigint where a number has not all digits. Default: now. */
  readonly timestamp?: number | bigint | undefined;
}

/** A message to send. */
export interface OutgoingMessage extends TopicMessage {
  /** The topic to send it to. */
  readonly topic: string;
}

/** Where a message was written. */
export interface RecordMetadata {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** Its place in the partition; −1 if the broker did not say, as with `acks: 0`. */
  readonly offset: number;
  /** The timestamp it has: that of the broker's clock if the topic says so, else that it was sent with. */
  readonly timestamp: number;
}

/** How batches are compressed. */
export type CompressionName = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/**
 * Chooses a partition.
 *
 * @param message The message to send.
 * @param partitionCount How many partitions its topic has.
 * @returns A number from 0 up to but not including `partitionCount`; undefined for what the producer
 * would choose by itself.
 */
export type Partitioner = (message: OutgoingMessage, partitionCount: number) => number | undefined;

/** What a producer can be told. */
export interface ProducerOptions {
  /**
   * Who must have a message before it counts as sent: `"all"` in-sync replicas, 1 for the leader, or 0
   * for nobody, in which case failures go unnoticed. Default: `"all"`.
   */
  readonly acks?: "all" | 1 | 0;
  /**
   * Whether brokers recognize messages sent again, so that each is written once and in order however
   * often it had to be sent. Needs `acks: "all"`. Default: true, unless `acks` is something else.
   */
  readonly idempotence?: boolean;
  /**
   * How long a batch waits for more messages, in milliseconds. Default: not at all while nothing is on
   * its way to the broker, at most 5 otherwise; so a message alone goes out at once, and many together.
   */
  readonly linger?: number;
  /** The size in bytes, before compression, at which a batch is full. Default: 262144. */
  readonly batchSize?: number;
  /** The size in bytes that batches for several partitions may have in one request. Default: 1048576. */
  readonly maxRequestSize?: number;
  /** How many requests may be on their way to each broker, 1 to 5 with idempotence. Default: 5. */
  readonly maxInFlight?: number;
  /** How batches are compressed. Default: `"none"`. */
  readonly compression?: CompressionName;
  /** How hard to compress, on the codec's own scale. Default: the codec's own. */
  readonly compressionLevel?: number;
  /**
   * Bytes of messages that may wait to be sent or confirmed; beyond that, `send()` waits for room.
   * No message may be larger. Default: 33554432.
   */
  readonly bufferMemory?: number;
  /**
   * How long sending a message may take, waiting and retries included, in milliseconds; then it fails
   * with a `TimeoutError`. Default: 120000.
   */
  readonly deliveryTimeout?: number;
  /** Whether the broker may create topics that do not exist, if it is set to do so. Default: true. */
  readonly allowAutoTopicCreation?: boolean;
  /** Chooses partitions. Default: by the key's murmur2 hash as the Java client does, else in turn. */
  readonly partitioner?: Partitioner;
}

/** The options with all defaults filled in. */
export interface ResolvedProducerOptions {
  readonly acks: -1 | 1 | 0;
  readonly idempotence: boolean;
  /** Undefined for the wait that depends on what is on its way. */
  readonly lingerMs: number | undefined;
  readonly batchSize: number;
  readonly maxRequestSize: number;
  readonly maxInFlight: number;
  readonly compression: CompressionType;
  readonly compressionLevel: number | undefined;
  readonly bufferMemory: number;
  readonly deliveryTimeoutMs: number;
  readonly allowAutoTopicCreation: boolean;
  readonly partitioner: Partitioner | undefined;
}

/** How many batches per producer and partition a broker remembers, so how many may be unconfirmed. */
export const MAX_UNCONFIRMED_BATCHES = 5;

/** @throws {UsageError} If an option is not possible. */
export function resolveProducerOptions(options: ProducerOptions): ResolvedProducerOptions {
  ensureKnown("producer()", options, PRODUCER_NAMES);
  const acks = oneOf<"all" | 1 | 0>("acks", options.acks ?? "all", ["all", 1, 0]);
  const idempotence = options.idempotence ?? acks === "all";
  const maxInFlight = atLeast("maxInFlight", options.maxInFlight ?? 5, 1);
  if (idempotence && acks !== "all") {
    throw new UsageError(`Cannot use idempotence with acks of ${acks}: it needs acks of "all"`);
  }
  if (idempotence && maxInFlight > MAX_UNCONFIRMED_BATCHES) {
    throw new UsageError(
      `Cannot use maxInFlight of ${maxInFlight} with idempotence: the most is ${MAX_UNCONFIRMED_BATCHES}`,
    );
  }
  const names: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];
  return {
    acks: acks === "all" ? -1 : acks,
    idempotence,
    lingerMs: options.linger === undefined ? undefined : atLeast("linger", options.linger, 0),
    batchSize: atLeast("batchSize", options.batchSize ?? 262_144, 1),
    maxRequestSize: atLeast("maxRequestSize", options.maxRequestSize ?? 1_048_576, 1),
    maxInFlight,
    compression: CompressionType[oneOf("compression", options.compression ?? "none", names)],
    compressionLevel: options.compressionLevel,
    bufferMemory: atLeast("bufferMemory", options.bufferMemory ?? 33_554_432, 1),
    deliveryTimeoutMs: atLeast("deliveryTimeout", options.deliveryTimeout ?? 120_000, 1),
    allowAutoTopicCreation: options.allowAutoTopicCreation ?? true,
    partitioner: options.partitioner,
  };
}

/** The names of ProducerOptions. */
export const PRODUCER_NAMES: Names<ProducerOptions> = {
  acks: true,
  idempotence: true,
  linger: true,
  batchSize: true,
  maxRequestSize: true,
  maxInFlight: true,
  compression: true,
  compressionLevel: true,
  bufferMemory: true,
  deliveryTimeout: true,
  allowAutoTopicCreation: true,
  partitioner: true,
};
