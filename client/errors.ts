/**
 * The errors of the SDK: one hierarchy under {@linkcode DqueueError}.
 *
 * Every error has a `message` that names the action and its values; a `code`, a stable name to
 * compare with; `retriable`, whether the same call may succeed later; and `advice` on what to do.
 * An error returned by a broker is a {@linkcode KafkaError} with Kafka's own code. An operation
 * aborted by a signal rejects with the reason of the signal instead.
 *
 * @module
 */

import { type ErrorInfo, errorInfo } from "../protocol/errors.ts";

/** Constructor options of errors. */
export interface DqueueErrorOptions {
  /** The code of the error, in capitals: `TIMEOUT`, `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly code: string;
  /** Whether the same call may succeed later. Default: false. */
  readonly retriable?: boolean;
  /** What to do about it, in a sentence. */
  readonly advice: string;
  /** The underlying error. */
  readonly cause?: unknown;
}

/**
 * The base class of all errors of the SDK.
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
  /** The code of the error, in capitals; stable across versions. */
  readonly code: string;
  /** Whether the same call may succeed later. The SDK has already retried what is safe to retry. */
  readonly retriable: boolean;
  /** What to do about it, in a sentence. */
  readonly advice: string;

  /** Creates an error. */
  constructor(message: string, options: DqueueErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retriable = options.retriable ?? false;
    this.advice = options.advice;
  }
}

/**
 * A broker refused a request or a part of it. `code` is Kafka's name of the error, or
 * `UNKNOWN_ERROR_CODE` for an unknown one.
 */
export class KafkaError extends DqueueError {
  /** The name of the class. */
  override name = "KafkaError";
  /** Kafka's numeric error code. */
  readonly errorCode: number;
  /** Whether the cached metadata may be out of date; they are refreshed before a retry. */
  readonly refreshesMetadata: boolean;

  /**
   * Creates an error from a code in a response.
   *
   * @param action What failed, as in `create topic "orders"`.
   * @param errorCode The code in the response.
   * @param detail The broker's message, if any.
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

/** Some brokers send messages that already begin with "Cannot …". */
function describe(action: string, name: string, detail: string | null | undefined): string {
  if (!detail) return `Cannot ${action}: ${name}`;
  return detail.startsWith("Cannot ")
    ? `${detail} (${name})`
    : `Cannot ${action}: ${detail} (${name})`;
}

/** A broker could not be reached, or the connection was lost before the response. */
export class ConnectionError extends DqueueError {
  /** The name of the class. */
  override name = "ConnectionError";
  /** Always `CONNECTION`. */
  declare readonly code: "CONNECTION";

  /** Creates an error of a connection. */
  constructor(
    message: string,
    options?: { readonly cause?: unknown; readonly advice?: string; readonly retriable?: boolean },
  ) {
    super(message, {
      code: "CONNECTION",
      retriable: options?.retriable ?? true,
      advice: options?.advice ??
        "Check that the broker is running, that the address is correct and that the network allows it",
      cause: options?.cause,
    });
  }
}

/**
 * A broker did not accept the client's credentials, or did not prove that it knows them. Retrying with
 * the same credentials would fail again, so nothing is retried.
 */
export class AuthenticationError extends DqueueError {
  /** The name of the class. */
  override name = "AuthenticationError";
  /**
   * Kafka's name of the error: `SASL_AUTHENTICATION_FAILED` for wrong credentials,
   * `UNSUPPORTED_SASL_MECHANISM`, or `ILLEGAL_SASL_STATE` if only one side wants to authenticate.
   */
  declare readonly code:
    | "SASL_AUTHENTICATION_FAILED"
    | "UNSUPPORTED_SASL_MECHANISM"
    | "ILLEGAL_SASL_STATE";
  /** The mechanisms that the broker offers; empty if it did not say. */
  readonly mechanisms: readonly string[];

  /**
   * Creates an error of authentication.
   *
   * @param code Kafka's name of the error.
   * @param message What failed; never with a secret.
   * @param options What to do, the broker's mechanisms, and the underlying error.
   */
  constructor(
    code: AuthenticationError["code"],
    message: string,
    options: {
      readonly advice: string;
      readonly mechanisms?: readonly string[];
      readonly cause?: unknown;
    },
  ) {
    super(message, { code, advice: options.advice, cause: options.cause });
    this.mechanisms = options.mechanisms ?? [];
  }
}

/**
 * The certificate of a broker cannot be trusted, or the broker does not accept that of the client.
 * Nothing is retried.
 */
export class CertificateError extends DqueueError {
  /** The name of the class. */
  override name = "CertificateError";
  /** Always `CERTIFICATE`. */
  declare readonly code: "CERTIFICATE";

  /** Creates an error of a certificate. */
  constructor(message: string, options: { readonly advice: string; readonly cause?: unknown }) {
    super(message, { code: "CERTIFICATE", advice: options.advice, cause: options.cause });
  }
}

/**
 * An operation did not complete within its time limit. The last failure, if any, is the `cause`.
 */
export class TimeoutError extends DqueueError {
  /** The name of the class. */
  override name = "TimeoutError";
  /** Always `TIMEOUT`. */
  declare readonly code: "TIMEOUT";

  /** Creates an error of an operation that timed out. */
  constructor(message: string, options?: { readonly cause?: unknown; readonly advice?: string }) {
    super(message, {
      code: "TIMEOUT",
      retriable: true,
      advice: options?.advice ??
        "See the cause for the last failure; if the broker is slow, increase the timeout",
      cause: options?.cause,
    });
  }
}

/** The client, producer or consumer was closed before or during the call. */
export class ClosedError extends DqueueError {
  /** The name of the class. */
  override name = "ClosedError";
  /** Always `CLOSED`. */
  declare readonly code: "CLOSED";

  /** Creates an error of an object that is closed. */
  constructor(message: string) {
    super(message, {
      code: "CLOSED",
      advice: "Close it only after all calls have completed, or create a new one",
    });
  }
}

/**
 * An argument or option is invalid, or the call is not allowed in the current state of the object.
 */
export class UsageError extends DqueueError {
  /** The name of the class. */
  override name = "UsageError";
  /** Always `USAGE`. */
  declare readonly code: "USAGE";

  /** Creates an error of an invalid call. */
  constructor(
    message: string,
    advice = "Correct the call; the message names the value and its bound",
  ) {
    super(message, { code: "USAGE", advice });
  }
}

/** A value cannot be serialized, or the bytes of a message cannot be deserialized. */
export class SerializationError extends DqueueError {
  /** The name of the class. */
  override name = "SerializationError";
  /** Always `SERIALIZATION`. */
  declare readonly code: "SERIALIZATION";

  /** Creates an error of a value that cannot be converted. */
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, {
      code: "SERIALIZATION",
      advice: "Check the content of the message; keys and values are bytes, text or null",
      cause: options?.cause,
    });
  }
}

/** The client and the broker support no common version of a request. */
export class UnsupportedVersionError extends DqueueError {
  /** The name of the class. */
  override name = "UnsupportedVersionError";
  /** Always `UNSUPPORTED_VERSION`, like the broker's own error. */
  declare readonly code: "UNSUPPORTED_VERSION";

  /** Creates an error of a request that cannot be sent. */
  constructor(message: string) {
    super(message, {
      code: "UNSUPPORTED_VERSION",
      advice:
        "Use a broker that supports the request; all of Kafka's since 2.4 support the common ones",
    });
  }
}

/** A broker sent bytes that are not valid in Kafka's protocol, or corrupt batches. */
export class ProtocolError extends DqueueError {
  /** The name of the class. */
  override name = "ProtocolError";
  /** Always `PROTOCOL`. */
  declare readonly code: "PROTOCOL";

  /** Creates an error of invalid bytes. */
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, {
      code: "PROTOCOL",
      advice:
        "Check that the address is a Kafka listener, and check the broker's log for corruption",
      cause: options?.cause,
    });
  }
}

/**
 * A batch cannot be read: its CRC is wrong, its records do not match its header, or they decompress
 * to more than 16 MiB and a hundred times its size. Messages after it can be read: `seek()` to
 * `nextOffset`.
 */
export class CorruptBatchError extends ProtocolError {
  /** The name of the class. */
  override name = "CorruptBatchError";
  /** What to do about it. */
  override readonly advice: string;
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The offset of the first message that cannot be read. */
  readonly offset: number;
  /** The offset after the batch. */
  readonly nextOffset: number;

  /** Creates an error of a batch that cannot be read from `offset` on. */
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
    this.advice = `Continue at offset ${nextOffset}, after the batch: seek there, or skip such ` +
      `batches with onCorruptBatch or --skip-corrupt`;
  }
}

/** Whether retrying may help after `error`. */
export function isRetriable(error: unknown): boolean {
  return error instanceof DqueueError && error.retriable;
}

/** Whether `error` may be caused by outdated metadata. */
export function refreshesMetadata(error: unknown): boolean {
  return error instanceof KafkaError ? error.refreshesMetadata : error instanceof ConnectionError;
}

/** Converts any thrown value to an error of the SDK. */
export function asDqueueError(action: string, error: unknown): DqueueError {
  if (error instanceof DqueueError) return error;
  return new ProtocolError(`Cannot ${action}: ${describeError(error)}`, { cause: error });
}

/** The message of any thrown value. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
