/**
 * What a transform reads and writes, and its options with their defaults.
 *
 * @module
 */

import { atLeast } from "../option_checks.ts";
import type { Message } from "../consumer/message.ts";
import { ensureKnown, type Names } from "../ensure_known.ts";
import { type DqueueError, UsageError } from "../errors.ts";
import type { GroupConsumerOptions } from "../group/group_consumer_options.ts";
import type {
  OutgoingMessage,
  ProducerOptions,
  TopicMessage,
} from "../producer/producer_options.ts";

/**
 * A message that a transform writes: to its topic, or to `to` if it has none. A bare value gets the
 * key of the message it was made of, so that the order of a key is kept.
 */
export type TransformOutput =
  | (TopicMessage & { readonly topic?: string | undefined })
  | Uint8Array
  | string;

/** What a function makes of a message: a message, any number of them, or nothing. */
export type TransformResult =
  | TransformOutput
  | readonly TransformOutput[]
  | null
  | undefined
  | void;

/**
 * Makes messages of a message. It may be called again for the same message after a failure, and what
 * it has returned before is not visible then; other effects of it are not undone.
 */
export type TransformFunction = (message: Message) => TransformResult | Promise<TransformResult>;

/** How a transform reads: the options of its consumer that are not those of the transform. */
export type TransformReading = Omit<
  GroupConsumerOptions,
  "groupId" | "topics" | "autoCommit" | "autoCommitIntervalMs" | "isolation" | "isolationLevel"
>;

/** How a transform writes: the options of its producer that are not those of the transform. */
export type TransformWriting = Omit<
  ProducerOptions,
  "transactionalId" | "transactionTimeoutMs" | "acks" | "idempotence"
>;

/** The options of a transform. */
export interface TransformOptions {
  /** The topics to read. */
  readonly from: string | readonly string[];
  /** The topic to write messages to that do not name one. Default: none, so they must. */
  readonly to?: string;
  /** The id of the group: instances with the same share the partitions. */
  readonly group: string;
  /**
   * The transactional id: another one for each instance that runs at the same time, and the same
   * after a restart, so that what a former run has left open is aborted at once.
   */
  readonly transactionalId: string;
  /**
   * The maximum number of messages read in a transaction. More cost less each, and become visible
   * later. Default: 500.
   */
  readonly maxMessages?: number;
  /**
   * How long a transaction may take, in milliseconds: at least the time of the function for
   * `maxMessages`. When an instance dies, the others wait this long for its partitions, unless it is
   * started again. Default: 10000, as in Kafka Streams.
   */
  readonly transactionTimeoutMs?: number;
  /** Further options of the consumer. */
  readonly reading?: TransformReading;
  /** Further options of the producer. */
  readonly writing?: TransformWriting;
  /** Stops the transform when it is aborted, like `stop()`. */
  readonly signal?: AbortSignal;
  /**
   * Called when a transaction has failed and its messages are processed again. Without it, that is
   * logged as a warning on the console.
   */
  readonly onRetry?: (error: DqueueError) => void;
}

/** The options with defaults applied. */
export interface ResolvedTransformOptions {
  readonly to: string | undefined;
  readonly maxMessages: number;
  readonly consumer: GroupConsumerOptions;
  readonly producer: ProducerOptions;
  readonly signal: AbortSignal | undefined;
  readonly onRetry: (error: DqueueError) => void;
}

/** @throws {UsageError} If an option is invalid; those of the consumer and producer are not checked. */
export function resolveTransformOptions(options: TransformOptions): ResolvedTransformOptions {
  ensureKnown("transform()", options, TRANSFORM_NAMES);
  const { from, to, group, transactionalId, transactionTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (to !== undefined && (typeof to !== "string" || to === "")) {
    throw new UsageError(`Cannot use to of ${JSON.stringify(to)}: it must be the name of a topic`);
  }
  if (typeof transactionalId !== "string" || transactionalId === "") {
    throw new UsageError(
      `Cannot use transactionalId of ${
        JSON.stringify(transactionalId)
      }: it must be a non-empty name`,
    );
  }
  const maxMessages = atLeast("maxMessages", options.maxMessages ?? DEFAULT_MAX_MESSAGES, 1);
  return {
    to,
    maxMessages,
    consumer: {
      ...options.reading,
      groupId: group,
      topics: from,
      autoCommit: false,
      // What an aborted transaction has written must not be processed.
      isolation: "read_committed",
    },
    producer: {
      ...options.writing,
      transactionalId,
      transactionTimeoutMs,
    },
    signal: options.signal,
    onRetry: options.onRetry ?? warn,
  };
}

/**
 * The messages of a result.
 *
 * @throws {UsageError} If one has no topic, and there is no default.
 */
export function outputsOf(
  result: TransformResult,
  source: Message,
  to: string | undefined,
): OutgoingMessage[] {
  if (result === null || result === undefined) return [];
  const outputs = Array.isArray(result)
    ? result as readonly TransformOutput[]
    : [result as TransformOutput];
  return outputs.map((output) => {
    const isValue = typeof output === "string" || output instanceof Uint8Array;
    const topic = (isValue ? undefined : output?.topic) ?? to;
    if (topic === undefined) {
      throw new UsageError(
        `Cannot write what was made of ${source.topic}-${source.partition} at offset ` +
          `${source.offset}: it has no topic`,
        'Return messages with a topic, or use the option "to"',
      );
    }
    return isValue ? { topic, key: source.key, value: output } : { ...output, topic };
  });
}

function warn(error: DqueueError): void {
  console.warn(`A transaction is repeated: ${error.message}`);
}

/** As many as a poll returns by default. */
const DEFAULT_MAX_MESSAGES = 500;
/** As in Kafka Streams: what a dead instance has read waits for it. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** The names of TransformOptions. */
const TRANSFORM_NAMES: Names<TransformOptions> = {
  from: true,
  to: true,
  group: true,
  transactionalId: true,
  maxMessages: true,
  transactionTimeoutMs: true,
  reading: true,
  writing: true,
  signal: true,
  onRetry: true,
};
