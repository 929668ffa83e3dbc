/**
 * Messages to send, and the options of a producer with their defaults.
 *
 * @module
 */

import { Acks } from "../../protocol/messages/records/produce.ts";
import { ensureKnown, type Names } from "../ensure_known.ts";
import { CompressionType } from "../../protocol/compression/mod.ts";
import { atLeast, oneOf } from "../option_checks.ts";
import { UsageError } from "../errors.ts";
import type { MessageData, MessageHeadersInit } from "../message_headers.ts";

/** A message to send to a given topic. */
export interface TopicMessage {
  /** The value; null is a tombstone, which deletes the key in a compacted topic. */
  readonly value: MessageData;
  /** The key. Messages with the same key go to the same partition. */
  readonly key?: MessageData | undefined;
  /** The partition. Default: chosen by the key, or by the sticky partitioner without one. */
  readonly partition?: number | undefined;
  /** The headers. */
  readonly headers?: MessageHeadersInit | undefined;
  /**
   * Milliseconds since 1970, from −1 to below 2^63; a bigint if a number is not precise enough.
   * Default: now.
   */
  readonly timestamp?: number | bigint | undefined;
}

/** A message to send. */
export interface OutgoingMessage extends TopicMessage {
  /** The topic. */
  readonly topic: string;
}

/** Where a message was written. */
export interface RecordMetadata {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The offset; −1 if the broker does not return it, as with `acks: 0`. */
  readonly offset: number;
  /**
   * The timestamp: the append time if the topic is configured with it, otherwise the one it was
   * sent with.
   */
  readonly timestamp: number;
}

/** A compression codec. */
export type CompressionName = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/**
 * Chooses the partition of a message.
 *
 * @param message The message to send.
 * @param partitionCount The number of partitions of the topic.
 * @returns A number from 0 up to but not including `partitionCount`; undefined for the default
 * choice.
 */
export type Partitioner = (message: OutgoingMessage, partitionCount: number) => number | undefined;

/** The options of a producer. */
export interface ProducerOptions {
  /**
   * The acknowledgements required before a message counts as written: `"all"` in-sync replicas, 1
   * for the leader, or 0 for none, in which case failures go unnoticed. Default: `"all"`.
   */
  readonly acks?: "all" | 1 | 0;
  /**
   * Whether brokers detect retried messages, so that each is written once and in order in spite of
   * retries. Requires `acks: "all"`. Default: true, unless `acks` is something else.
   */
  readonly idempotence?: boolean;
  /**
   * How long a batch waits for more messages, in milliseconds. Default: 0 while nothing is in
   * flight to the broker, otherwise up to 5. A single message is sent immediately, and many are
   * combined.
   */
  readonly lingerMs?: number;
  /** The size in bytes, before compression, at which a batch is full. Default: 262144. */
  readonly batchSize?: number;
  /** The maximum total size of batches in one request, in bytes. Default: 1048576. */
  readonly maxRequestSize?: number;
  /** The maximum number of requests in flight per broker, 1 to 5 with idempotence. Default: 5. */
  readonly maxInFlight?: number;
  /** The compression codec of batches. Default: `"none"`. */
  readonly compression?: CompressionName;
  /** The compression level, on the scale of the codec. Default: that of the codec. */
  readonly compressionLevel?: number;
  /**
   * The maximum number of bytes of unconfirmed messages; beyond that, `send()` waits. No message
   * may be larger. Default: 33554432.
   */
  readonly bufferMemory?: number;
  /**
   * The time limit of sending a message, waiting and retries included, in milliseconds; then it
   * fails with a `TimeoutError`. Default: 120000.
   */
  readonly deliveryTimeoutMs?: number;
  /**
   * Makes the producer transactional: it sends in transactions, which `begin()` begins. Of the
   * producers with an id only the latest can send; so a program that is started again with its id
   * fences what is left of its former run, and programs that run at the same time need one each.
   * Requires idempotence. Default: none.
   */
  readonly transactionalId?: string;
  /**
   * How long a transaction may take, in milliseconds; then the broker aborts it. While it is open,
   * consumers of committed messages read nothing after it in its partitions. At most the broker's
   * `transaction.max.timeout.ms`. Default: 60000.
   */
  readonly transactionTimeoutMs?: number;
  /** Whether the broker may auto-create topics, if it is configured to. Default: true. */
  readonly allowAutoTopicCreation?: boolean;
  /**
   * Chooses partitions. Default: the murmur2 hash of the key like the Java client, or the sticky
   * partitioner without a key.
   */
  readonly partitioner?: Partitioner;
}

/** The options with defaults applied. */
export interface ResolvedProducerOptions {
  readonly acks: Acks;
  readonly idempotence: boolean;
  /** Undefined for a linger that depends on what is in flight. */
  readonly lingerMs: number | undefined;
  readonly batchSize: number;
  readonly maxRequestSize: number;
  readonly maxInFlight: number;
  readonly compression: CompressionType;
  readonly compressionLevel: number | undefined;
  readonly bufferMemory: number;
  readonly deliveryTimeoutMs: number;
  readonly transactionalId: string | undefined;
  readonly transactionTimeoutMs: number;
  readonly allowAutoTopicCreation: boolean;
  readonly partitioner: Partitioner | undefined;
}

/**
 * The number of batches per producer and partition that a broker remembers, and so the most that
 * may be unconfirmed.
 */
export const MAX_UNCONFIRMED_BATCHES = 5;

/** @throws {UsageError} If an option is invalid. */
export function resolveProducerOptions(options: ProducerOptions): ResolvedProducerOptions {
  ensureKnown("producer()", options, PRODUCER_NAMES);
  const acks = oneOf<"all" | 1 | 0>("acks", options.acks ?? "all", ["all", 1, 0]);
  const idempotence = options.idempotence ?? acks === "all";
  const maxInFlight = atLeast("maxInFlight", options.maxInFlight ?? 5, 1);
  if (idempotence && acks !== "all") {
    throw new UsageError(`Cannot use idempotence with acks of ${acks}: it requires acks of "all"`);
  }
  if (idempotence && maxInFlight > MAX_UNCONFIRMED_BATCHES) {
    throw new UsageError(
      `Cannot use maxInFlight of ${maxInFlight} with idempotence: it must be at most ${MAX_UNCONFIRMED_BATCHES}`,
    );
  }
  ensureTransactional(options, idempotence);
  const names: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];
  return {
    acks: acks === "all" ? Acks.all : acks,
    idempotence,
    lingerMs: options.lingerMs === undefined ? undefined : atLeast("lingerMs", options.lingerMs, 0),
    batchSize: atLeast("batchSize", options.batchSize ?? 262_144, 1),
    maxRequestSize: atLeast("maxRequestSize", options.maxRequestSize ?? 1_048_576, 1),
    maxInFlight,
    compression: CompressionType[oneOf("compression", options.compression ?? "none", names)],
    compressionLevel: options.compressionLevel,
    bufferMemory: atLeast("bufferMemory", options.bufferMemory ?? 33_554_432, 1),
    deliveryTimeoutMs: atLeast("deliveryTimeoutMs", options.deliveryTimeoutMs ?? 120_000, 1),
    transactionalId: options.transactionalId,
    transactionTimeoutMs: atLeast(
      "transactionTimeoutMs",
      options.transactionTimeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS,
      1,
    ),
    allowAutoTopicCreation: options.allowAutoTopicCreation ?? true,
    partitioner: options.partitioner,
  };
}

/** The Java client's default. */
const DEFAULT_TRANSACTION_TIMEOUT_MS = 60_000;

/** @throws {UsageError} If the options of transactions cannot be used together, or with the others. */
function ensureTransactional(
  { transactionalId, transactionTimeoutMs, acks }: ProducerOptions,
  idempotence: boolean,
): void {
  if (transactionalId === undefined) {
    if (transactionTimeoutMs === undefined) return;
    throw new UsageError(
      `Cannot use transactionTimeoutMs of ${transactionTimeoutMs} without a transactionalId`,
    );
  }
  if (typeof transactionalId !== "string" || transactionalId === "") {
    throw new UsageError(
      `Cannot use transactionalId of ${
        JSON.stringify(transactionalId)
      }: it must be a non-empty name`,
    );
  }
  if (!idempotence) {
    const what = acks === undefined ? "idempotence of false" : `acks of ${acks}`;
    throw new UsageError(
      `Cannot use transactionalId "${transactionalId}" with ${what}: transactions require idempotence`,
    );
  }
}

/** The names of ProducerOptions. */
const PRODUCER_NAMES: Names<ProducerOptions> = {
  acks: true,
  idempotence: true,
  lingerMs: true,
  batchSize: true,
  maxRequestSize: true,
  maxInFlight: true,
  compression: true,
  compressionLevel: true,
  bufferMemory: true,
  deliveryTimeoutMs: true,
  transactionalId: true,
  transactionTimeoutMs: true,
  allowAutoTopicCreation: true,
  partitioner: true,
};
