/**
 * The errors of transactions: what a program has to do differs with each class.
 *
 * - {@linkcode TransactionAbortableError}: abort the transaction; the producer can begin another
 * - {@linkcode ProducerFencedError}: stop; another producer has taken over
 * - {@linkcode TransactionOutcomeError}: ask again with `commit()`
 *
 * Retriable answers of brokers are retried before any of these.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { DqueueError, isRetriable, KafkaError } from "../errors.ts";

/**
 * A transaction cannot be committed any more: a message or an offset could not be sent, or the
 * coordinator has aborted it because it took too long. Nothing of it becomes visible. After
 * `abort()`, or at the end of the scope, the producer can begin the next one.
 *
 * `retriable` tells whether the same work may succeed in another transaction: so it may after a
 * rebalance or an outage, but not after a message that is too large.
 */
export class TransactionAbortableError extends DqueueError {
  /** The name of the class. */
  override name = "TransactionAbortableError";
  /** Always `TRANSACTION_ABORTABLE`, like the broker's own error. */
  declare readonly code: "TRANSACTION_ABORTABLE";

  /** Creates an error of a transaction that failed because of `cause`, or in other words of `reason`. */
  constructor(transactionalId: string, cause: DqueueError, reason: string = cause.message) {
    super(`Cannot commit the transaction of "${transactionalId}": ${reason}`, {
      code: "TRANSACTION_ABORTABLE",
      retriable: mayRunAgain(cause),
      advice: mayRunAgain(cause)
        ? "Abort the transaction, read again from the committed offsets if it had any, and repeat its work"
        : "Abort the transaction, and correct what the cause names before repeating its work",
      cause,
    });
  }
}

/**
 * The producer was fenced: another one with the same transactional id has been initialized since.
 * Its open transaction is aborted, and it can do nothing more.
 */
export class ProducerFencedError extends DqueueError {
  /** The name of the class. */
  override name = "ProducerFencedError";
  /** Always `PRODUCER_FENCED`, like the broker's own error. */
  declare readonly code: "PRODUCER_FENCED";

  /**
   * Creates an error of a producer that was fenced.
   *
   * @param detail What else to say.
   */
  constructor(transactionalId: string, options: { readonly cause: unknown; detail?: string }) {
    const detail = options.detail === undefined ? "" : `; ${options.detail}`;
    super(
      `Cannot continue as "${transactionalId}": another producer with this transactional id has ` +
        `started${detail}`,
      {
        code: "PRODUCER_FENCED",
        advice:
          "Stop this instance, or close the producer and create a new one, which fences the other; " +
          "instances that run at the same time need a transactionalId each",
        cause: options.cause,
      },
    );
  }
}

/**
 * The coordinator has not answered a commit in time, so it is unknown whether the transaction is
 * committed. Call `commit()` again to find out. A producer that begins the next transaction instead
 * leaves the outcome open: it is one or the other as a whole.
 */
export class TransactionOutcomeError extends DqueueError {
  /** The name of the class. */
  override name = "TransactionOutcomeError";
  /** Always `TRANSACTION_OUTCOME_UNKNOWN`. */
  declare readonly code: "TRANSACTION_OUTCOME_UNKNOWN";

  /** Creates an error of a commit that was not answered. */
  constructor(transactionalId: string, cause: unknown) {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    super(
      `Cannot tell whether the transaction of "${transactionalId}" is committed${reason}`,
      {
        code: "TRANSACTION_OUTCOME_UNKNOWN",
        retriable: true,
        advice: "Call commit() again: it asks for the same outcome until the coordinator answers",
        cause,
      },
    );
  }
}

/** Errors that end one transaction; another with the same content may succeed. */
const TEMPORARY: ReadonlySet<string> = new Set([
  "FENCED_MEMBER_EPOCH",
  "ILLEGAL_GENERATION",
  "INVALID_PRODUCER_EPOCH",
  "INVALID_TXN_STATE",
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "PRODUCER_FENCED",
  "REBALANCE_IN_PROGRESS",
  "STALE_MEMBER_EPOCH",
  "TRANSACTION_ABORTABLE",
  "UNKNOWN_MEMBER_ID",
  "UNKNOWN_PRODUCER_ID",
]);

/** Whether what has failed with `error` may succeed in another transaction. */
export function mayRunAgain(error: DqueueError): boolean {
  // The client has looked an unknown topic up several times.
  if (error.code === "UNKNOWN_TOPIC_OR_PARTITION") return false;
  return isRetriable(error) || TEMPORARY.has(error.code);
}

/** Whether the coordinator knows a later epoch: of another producer, or of its own abort. */
export function isStaleEpoch(error: unknown): error is KafkaError {
  return error instanceof KafkaError && (
    error.errorCode === ErrorCode.PRODUCER_FENCED ||
    error.errorCode === ErrorCode.INVALID_PRODUCER_EPOCH
  );
}

/** Whether the coordinator has no such transaction to end. */
export function isInvalidState(error: unknown): error is KafkaError {
  return error instanceof KafkaError && error.errorCode === ErrorCode.INVALID_TXN_STATE;
}

/** Whether the producer can do nothing more about an error of its coordinator. */
export function isFatal(error: unknown): error is KafkaError {
  return error instanceof KafkaError && (
    error.errorCode === ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED ||
    error.errorCode === ErrorCode.INVALID_PRODUCER_ID_MAPPING
  );
}
