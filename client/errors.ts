/**
 * The errors of the SDK: one hierarchy under {@linkcode DqueueError}.
 *
 * Every error says what was tried, with its values, in `message`; which error it is in `code`, a
 * stable name to compare with; whether the same call may succeed later in `retriable`; and what to
 * do about it in `advice`. What a broker answered is a {@linkcode KafkaError}, whose codes are
 * Kafka's own. An operation that a caller aborted rejects with the reason of the signal and with no
 * error of this hierarchy.
 *
 * @module
 */

import { type ErrorInfo, errorInfo } from "../protocol/errors.ts";

/** What the constructors of errors take beside the message. */
export interface DqueueErrorOptions {
  /** Which error it is, in capitals: `TIMEOUT`, `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly code: string;
  /** Whether the same call may succeed later. Default: false. */
  readonly retriable?: boolean;
  /** What to do about it, in a sentence. */
  readonly advice: string;
  /** The error behind this one. */
  readonly cause?: unknown;
}

/**
 * What all errors of the SDK have in common.
 *
 * @example Telling errors apart
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * const admin = client.admin();
 * await admin.createTopic({ name: "orders" });
 * try {
 *   await admin.createTopic({ name: "orders" });
 * } catch (error) {
 *   if (!(error instanceof DqueueError && error.code === "TOPIC_ALREADY_EXISTS")) throw error;
 * }
 * ```
 */
export class DqueueError extends Error {
  /** The name of the class. */
  override name = "DqueueError";
  /** Which error it is, in capitals; never changes between versions. */
  readonly code: string;
  /** Whether the same call may succeed later. What can be retried safely the SDK has retried already. */
  readonly retriable: boolean;
  /** What to do about it, in a sentence. */
  readonly advice: string;

  /** Makes an error; users of the SDK only catch them. */
  constructor(message: string, options: DqueueErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retriable = options.retriable ?? false;
    this.advice = options.advice;
  }
}

/**
 * A broker refused a request, or a part of it, with one of Kafka's error codes. `code` is Kafka's name of
 * the error, or `UNKNOWN_ERROR_CODE` for one this program does not know.
 */
export class KafkaError extends DqueueError {
  /** The name of the class. */
  override name = "KafkaError";
  /** Kafka's number of the error. */
  readonly errorCode: number;
  /** Whether it means that metadata were out of date; they are asked for again before a retry. */
  readonly refreshesMetadata: boolean;

  /**
   * Makes an error of a code in a response.
   *
   * @param action What was tried, as in `create topic "orders"`.
   * @param errorCode The code in the response.
   * @param detail The broker's own words, if it sent any.
   */
  constructor(action: string, errorCode: number, detail?: string | null) {
    const info: ErrorInfo = errorInfo(errorCode);
    super(describe(action, info.name, detail), {
      code: info.name,
      retriable: info.retriable,
      advice: info.description,
    });
    this.errorCode = errorCode;
    this.refreshesMetadata = info.refreshesMetadata;
  }
}

/** Brokers such as ours say themselves what they cannot do; that is not said twice. */
function describe(action: string, name: string, detail: string | null | undefined): string {
  if (!detail) return `Cannot ${action}: ${name}`;
  return detail.startsWith("Cannot ")
    ? `${detail} (${name})`
    : `Cannot ${action}: ${detail} (${name})`;
}

/** A broker could not be reached, or the connection to it was lost before the answer came. */
export class ConnectionError extends DqueueError {
  /** The name of the class. */
  override name = "ConnectionError";
  /** Always `CONNECTION`. */
  declare readonly code: "CONNECTION";

  /** Makes an error of a connection to `peer`. */
  constructor(
    message: string,
    options?: { readonly cause?: unknown; readonly advice?: string; readonly retriable?: boolean },
  ) {
    super(message, {
      code: "CONNECTION",
      retriable: options?.retriable ?? true,
      advice: options?.advice ??
        "Check that the broker runs, that the address is right and that the network lets it through",
      cause: options?.cause,
    });
  }
}

/** Something was not done within its time. What caused the delay, if known, is the `cause`. */
export class TimeoutError extends DqueueError {
  /** The name of the class. */
  override name = "TimeoutError";
  /** Always `TIMEOUT`. */
  declare readonly code: "TIMEOUT";

  /** Makes an error of an operation that took too long. */
  constructor(message: string, options?: { readonly cause?: unknown; readonly advice?: string }) {
    super(message, {
      code: "TIMEOUT",
      retriable: true,
      advice: options?.advice ??
        "See the cause for the last failure; if the broker is only slow, allow a longer timeout",
      cause: options?.cause,
    });
  }
}

/** The client, producer or consumer was used after it was closed, or closed during the call. */
export class ClosedError extends DqueueError {
  /** The name of the class. */
  override name = "ClosedError";
  /** Always `CLOSED`. */
  declare readonly code: "CLOSED";

  /** Makes an error of something closed. */
  constructor(message: string) {
    super(message, {
      code: "CLOSED",
      advice: "Close it only when all calls are done, or make a new one",
    });
  }
}

/** An argument or option is not possible, or the call does not fit the state of the object. */
export class UsageError extends DqueueError {
  /** The name of the class. */
  override name = "UsageError";
  /** Always `USAGE`. */
  declare readonly code: "USAGE";

  /** Makes an error of a call that can never succeed as it is. */
  constructor(
    message: string,
    advice = "Correct the call; the message names the value and its bound",
  ) {
    super(message, { code: "USAGE", advice });
  }
}

/** A value cannot be turned into bytes, or the bytes of a message not into the value asked for. */
export class SerializationError extends DqueueError {
  /** The name of the class. */
  override name = "SerializationError";
  /** Always `SERIALIZATION`. */
  declare readonly code: "SERIALIZATION";

  /** Makes an error of a value that has no such form. */
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, {
      code: "SERIALIZATION",
      advice: "Check what the message holds; keys and values are bytes, text or null",
      cause: options?.cause,
    });
  }
}

/** Client and broker have no version of a request in common. */
export class UnsupportedVersionError extends DqueueError {
  /** The name of the class. */
  override name = "UnsupportedVersionError";
  /** Always `UNSUPPORTED_VERSION`, as the broker's own error for it. */
  declare readonly code: "UNSUPPORTED_VERSION";

  /** Makes an error of a request that cannot be made. */
  constructor(message: string) {
    super(message, {
      code: "UNSUPPORTED_VERSION",
      advice:
        "Use a broker that supports the request; all of Kafka's since 2.4 support the common ones",
    });
  }
}

/** What a broker sent is not Kafka's protocol, or the batches it sent are damaged. */
export class ProtocolError extends DqueueError {
  /** The name of the class. */
  override name = "ProtocolError";
  /** Always `PROTOCOL`. */
  declare readonly code: "PROTOCOL";

  /** Makes an error of bytes that make no sense. */
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, {
      code: "PROTOCOL",
      advice:
        "Check that the address is a Kafka listener without TLS, and the broker's log for damage",
      cause: options?.cause,
    });
  }
}

/**
 * A batch of messages cannot be read: its checksum is wrong, its records are not those that its header
 * states, or they expand to more than 16 MiB and a hundred times its size, as a decompression bomb does.
 * What comes after it can be read: after `seek()` to `nextOffset`.
 */
export class CorruptBatchError extends ProtocolError {
  /** The name of the class. */
  override name = "CorruptBatchError";
  /** What is to be done about it. */
  override readonly advice: string;
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The offset of the first message that cannot be read. */
  readonly offset: number;
  /** The offset after the batch. */
  readonly nextOffset: number;

  /** Makes an error of a batch that could not be read from `offset` on. */
  constructor(
    place: {
      readonly topic: string;
      readonly partition: number;
      readonly offset: number;
      readonly nextOffset: number;
    },
    cause: unknown,
  ) {
    const { topic, partition, offset, nextOffset } = place;
    super(
      `Cannot read "${topic}-${partition}" at offset ${offset}: ${describeError(cause)}`,
      { cause },
    );
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.nextOffset = nextOffset;
    this.advice = `Continue at offset ${nextOffset}, after the batch: seek there, or have such ` +
      `batches left out, with onCorruptBatch or --skip-corrupt`;
  }
}

/** Whether trying again what failed with `error` may help. */
export function isRetriable(error: unknown): boolean {
  return error instanceof DqueueError && error.retriable;
}

/** Whether `error` may be due to metadata that are out of date. */
export function refreshesMetadata(error: unknown): boolean {
  return error instanceof KafkaError ? error.refreshesMetadata : error instanceof ConnectionError;
}

/** The text of any error, without its stack. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
