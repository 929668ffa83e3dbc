/**
 * What a consumer can be told, with the defaults.
 *
 * @module
 */

import { OPERATION_NAMES } from "../connection/option_names.ts";
import type { Names } from "../ensure_known.ts";
import type { OperationOptions } from "../connection/client_core.ts";
import { atLeast, oneOf } from "../client_options.ts";
import type { ConsumerStatus } from "./consumer_status.ts";
import type { CorruptBatchError } from "../errors.ts";
import type { Message } from "./message.ts";
import type { IsolationLevel, OffsetSpec } from "./offset_lookup.ts";

/** What a consumer can be told of how it reads, in a group or not. */
export interface ReadingOptions {
  /**
   * Where to start in a partition without a position, and where to continue if the offset to read is not
   * there any more, which `onStatus` is told: at its first message, at its end, or not at all, which
   * makes reading fail. Default: `"earliest"`.
   */
  readonly autoOffsetReset?: "earliest" | "latest" | "none";
  /** Which messages to see. Default: `"read_uncommitted"`. */
  readonly isolationLevel?: IsolationLevel;
  /** How long the broker may wait for new messages before it answers, in milliseconds. Default: 500. */
  readonly maxWait?: number;
  /** How many bytes of new messages end that wait. Default: 1. */
  readonly minBytes?: number;
  /** The most bytes to ask for at once; one batch larger than that is read too. Default: 52428800. */
  readonly maxBytes?: number;
  /** The most bytes to ask for at once of one partition. Default: 1048576. */
  readonly maxPartitionBytes?: number;
  /** Bytes of messages not read yet beyond which no more are fetched ahead. Default: 67108864. */
  readonly prefetchBytes?: number;
  /** Whether to check that batches arrived as they were written. Default: true. */
  readonly checkCrcs?: boolean;
  /**
   * Called with a batch that cannot be read, whose messages are left out then. Without it, reading fails
   * with the error, and can continue after a `seek()` to its `nextOffset`.
   */
  readonly onCorruptBatch?: ((error: CorruptBatchError) => void) | undefined;
}

/** What a consumer can be told. */
export interface ConsumerOptions extends ReadingOptions {
  /**
   * Is told whenever `status` changes, and of each reset by `autoOffsetReset`. Without it, an outage
   * that lasts and a reset are warned of on the console.
   */
  readonly onStatus?: (status: ConsumerStatus) => void;
}

/** The options with all defaults filled in. */
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

/** @throws {UsageError} If an option is not possible. */
export function resolveConsumerOptions(options: ReadingOptions): ResolvedConsumerOptions {
  return {
    autoOffsetReset: oneOf<"earliest" | "latest" | "none">(
      "autoOffsetReset",
      options.autoOffsetReset ?? "earliest",
      ["earliest", "latest", "none"],
    ),
    isolationLevel: oneOf<IsolationLevel>(
      "isolationLevel",
      options.isolationLevel ?? "read_uncommitted",
      ["read_uncommitted", "read_committed"],
    ),
    maxWaitMs: atLeast("maxWait", options.maxWait ?? 500, 0),
    minBytes: atLeast("minBytes", options.minBytes ?? 1, 0),
    maxBytes: atLeast("maxBytes", options.maxBytes ?? 52_428_800, 1),
    maxPartitionBytes: atLeast("maxPartitionBytes", options.maxPartitionBytes ?? 1_048_576, 1),
    prefetchBytes: atLeast("prefetchBytes", options.prefetchBytes ?? 67_108_864, 1),
    checkCrcs: options.checkCrcs ?? true,
    onCorruptBatch: options.onCorruptBatch,
  };
}

/** Where to read next: an offset, or a place whose offset is looked up. */
export type StartOffset = number | OffsetSpec;

/** How to subscribe. */
export interface SubscribeOptions extends OperationOptions {
  /** Where to start in topics not subscribed to before. Default: what `autoOffsetReset` says. */
  readonly from?: OffsetSpec;
}

/** How to read one partition with a handler. */
export interface SubscribePartitionOptions {
  /** Ends the subscription; the call then returns once the handler has. */
  readonly signal?: AbortSignal | undefined;
  /** Where to start. Default: what `autoOffsetReset` says. */
  readonly from?: StartOffset;
}

/** Takes a message. Where it returns a promise, the next message waits for it. */
export type MessageHandler = (message: Message) => unknown;

/** How many messages `poll()` returns at most, unless it is told. */
export const DEFAULT_POLL_MAX = 500;

/** How long `poll()` waits, unless it is told, in milliseconds. */
export const DEFAULT_POLL_TIMEOUT_MS = 1000;

/** How long to wait for messages. */
export interface PollOptions {
  /** How long to wait for the first message, in milliseconds. Default: 1000. */
  readonly timeout?: number;
  /** Gives up; the call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** How to fetch from one partition. */
export interface FetchFromOptions extends OperationOptions {
  /** The most messages to return. Default: all that were fetched. */
  readonly maxMessages?: number;
  /** The most bytes to fetch. Default: the consumer's `maxPartitionBytes`. */
  readonly maxBytes?: number;
  /** How many bytes of messages end the wait. Default: the consumer's `minBytes`. */
  readonly minBytes?: number;
  /** How long the broker may wait for messages, in milliseconds. Default: the consumer's `maxWait`. */
  readonly maxWait?: number;
  /** Which messages to see. Default: the consumer's `isolationLevel`. */
  readonly isolationLevel?: IsolationLevel;
}

/** What was fetched from one partition. */
export interface FetchFromResult {
  /** The messages in order; none if there were no new ones. */
  readonly messages: Message[];
  /** The offset to fetch from next. */
  readonly nextOffset: number;
  /** The offset after the last message that all in-sync replicas have. */
  readonly highWatermark: number;
  /** The first offset there is. */
  readonly logStartOffset: number;
}

/** The names of ReadingOptions. */
export const READING_NAMES: Names<ReadingOptions> = {
  autoOffsetReset: true,
  isolationLevel: true,
  maxWait: true,
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
export const POLL_NAMES: Names<PollOptions> = { timeout: true, signal: true };

/** The names of FetchFromOptions. */
export const FETCH_FROM_NAMES: Names<FetchFromOptions> = {
  ...OPERATION_NAMES,
  maxMessages: true,
  maxBytes: true,
  minBytes: true,
  maxWait: true,
  isolationLevel: true,
};
