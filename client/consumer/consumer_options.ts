/**
 * The options of a consumer, with their defaults.
 *
 * @module
 */

import { OPERATION_NAMES } from "../connection/option_names.ts";
import type { Names } from "../ensure_known.ts";
import type { OperationOptions } from "../connection/client_core.ts";
import { atLeast, oneOf } from "../option_checks.ts";
import type { ConsumerStatus } from "./consumer_status.ts";
import type { CorruptBatchError } from "../errors.ts";
import type { Message } from "./message.ts";
import {
  ISOLATION_NAMES,
  type IsolationLevel,
  type IsolationOptions,
  type OffsetSpec,
  resolveIsolation,
} from "./offset_lookup.ts";

/** The options of reading, with or without a group. */
export interface ReadingOptions extends IsolationOptions {
  /**
   * Where to start in a partition without a position, and where to continue if the position is out
   * of range, which is reported to `onStatus`: at the first message, at the end, or `"none"` to
   * fail. Default: `"earliest"`.
   */
  readonly autoOffsetReset?: "earliest" | "latest" | "none";
  /** How long the broker may wait for new messages, in milliseconds. Default: 500. */
  readonly maxWaitMs?: number;
  /** The number of bytes that ends this wait. Default: 1. */
  readonly minBytes?: number;
  /**
   * The maximum size of a fetch, in bytes; a single larger batch is still fetched. Default:
   * 52428800.
   */
  readonly maxBytes?: number;
  /** The maximum size of a fetch per partition, in bytes. Default: 1048576. */
  readonly maxPartitionBytes?: number;
  /** The number of bytes of fetched messages at which prefetching pauses. Default: 67108864. */
  readonly prefetchBytes?: number;
  /** Whether to verify the CRCs of batches. Default: true. */
  readonly checkCrcs?: boolean;
  /**
   * Called with a batch that cannot be read, which is then skipped. Without it, reading fails with
   * the error, and can continue after a `seek()` to its `nextOffset`.
   */
  readonly onCorruptBatch?: ((error: CorruptBatchError) => void) | undefined;
}

/** The options of a consumer. */
export interface ConsumerOptions extends ReadingOptions {
  /**
   * Called whenever `status` changes, and for each reset by `autoOffsetReset`. Without it, long
   * outages and resets are logged as warnings on the console.
   */
  readonly onStatus?: (status: ConsumerStatus) => void;
}

/** The options with defaults applied. */
export interface ResolvedConsumerOptions {
  readonly autoOffsetReset: "earliest" | "latest" | "none";
  readonly isolationLevel: IsolationLevel;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly prefetchBytes: number;
  readonly checkCrcs: boolean;
  readonly onCorruptBatch: ((error: CorruptBatchError) => void) | undefined;
}

/** @throws {UsageError} If an option is invalid. */
export function resolveConsumerOptions(options: ReadingOptions): ResolvedConsumerOptions {
  return {
    autoOffsetReset: oneOf<"earliest" | "latest" | "none">(
      "autoOffsetReset",
      options.autoOffsetReset ?? "earliest",
      ["earliest", "latest", "none"],
    ),
    isolationLevel: resolveIsolation(options),
    maxWaitMs: atLeast("maxWaitMs", options.maxWaitMs ?? 500, 0),
    minBytes: atLeast("minBytes", options.minBytes ?? 1, 0),
    maxBytes: atLeast("maxBytes", options.maxBytes ?? 52_428_800, 1),
    maxPartitionBytes: atLeast("maxPartitionBytes", options.maxPartitionBytes ?? 1_048_576, 1),
    prefetchBytes: atLeast("prefetchBytes", options.prefetchBytes ?? 67_108_864, 1),
    checkCrcs: options.checkCrcs ?? true,
    onCorruptBatch: options.onCorruptBatch,
  };
}

/** Where to read next: an offset, or a place to look up. */
export type StartOffset = number | OffsetSpec;

/** Options of a subscription. */
export interface SubscribeOptions extends OperationOptions {
  /** Where to start in new topics. Default: according to `autoOffsetReset`. */
  readonly from?: OffsetSpec;
}

/** Options of reading a partition with a handler. */
export interface SubscribePartitionOptions {
  /** Ends the reading; the call returns once the handler has finished. */
  readonly signal?: AbortSignal | undefined;
  /** Where to start. Default: according to `autoOffsetReset`. */
  readonly from?: StartOffset;
}

/** Handles a message. If it returns a promise, it is awaited before the next message. */
export type MessageHandler = (message: Message) => unknown;

/** The default maximum number of messages of `poll()`. */
export const DEFAULT_POLL_MAX = 500;

/** The default wait of `poll()`, in milliseconds. */
export const DEFAULT_POLL_TIMEOUT_MS = 1000;

/** Options of waiting for messages. */
export interface PollOptions {
  /** How long to wait for the first message, in milliseconds. Default: 1000. */
  readonly timeoutMs?: number;
  /** Aborts the wait; the call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a single fetch. The default of `isolation` is that of the consumer. */
export interface FetchFromOptions extends OperationOptions, IsolationOptions {
  /** The maximum number of messages. Default: all that were fetched. */
  readonly maxMessages?: number;
  /** The maximum number of bytes. Default: the consumer's `maxPartitionBytes`. */
  readonly maxBytes?: number;
  /** The number of bytes that ends the wait. Default: the consumer's `minBytes`. */
  readonly minBytes?: number;
  /** How long the broker may wait for messages, in milliseconds. Default: the consumer's `maxWaitMs`. */
  readonly maxWaitMs?: number;
}

/** The result of a single fetch. */
export interface FetchFromResult {
  /** The messages, in order; empty if there were no new ones. */
  readonly messages: Message[];
  /** The offset to fetch from next. */
  readonly nextOffset: number;
  /** The high watermark: the offset after the last committed message. */
  readonly highWatermark: number;
  /** The log start offset. */
  readonly logStartOffset: number;
}

/** The names of ReadingOptions. */
export const READING_NAMES: Names<ReadingOptions> = {
  autoOffsetReset: true,
  ...ISOLATION_NAMES,
  maxWaitMs: true,
  minBytes: true,
  maxBytes: true,
  maxPartitionBytes: true,
  prefetchBytes: true,
  checkCrcs: true,
  onCorruptBatch: true,
};

/** The names of ConsumerOptions. */
export const CONSUMER_NAMES: Names<ConsumerOptions> = { ...READING_NAMES, onStatus: true };

/** The names of SubscribeOptions. */
export const SUBSCRIBE_NAMES: Names<SubscribeOptions> = { ...OPERATION_NAMES, from: true };

/** The names of SubscribePartitionOptions. */
export const SUBSCRIBE_PARTITION_NAMES: Names<SubscribePartitionOptions> = {
  signal: true,
  from: true,
};

/** The names of PollOptions. */
export const POLL_NAMES: Names<PollOptions> = { timeoutMs: true, signal: true };

/** The names of FetchFromOptions. */
export const FETCH_FROM_NAMES: Names<FetchFromOptions> = {
  ...OPERATION_NAMES,
  maxMessages: true,
  maxBytes: true,
  minBytes: true,
  maxWaitMs: true,
  ...ISOLATION_NAMES,
};
