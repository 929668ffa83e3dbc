/**
 * The errors of storage, one class per condition that a caller can act on. Messages name the log
 * (its folder), the action, the value and the bound. They carry no Kafka error codes: the broker
 * maps classes to codes.
 *
 * @module
 */

/** Base class of the errors of storage. Broken invariants throw a plain `Error` instead. */
export class StorageError extends Error {
  /** The name of the error class. */
  override name = "StorageError";
}

/** An offset below the log start offset or beyond the log end offset. */
export class OffsetOutOfRangeError extends StorageError {
  override name = "OffsetOutOfRangeError";
  readonly offset: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;

  constructor(action: string, offset: number, logStartOffset: number, logEndOffset: number) {
    super(
      `Cannot ${action}: offset is ${offset}, the log has ${logStartOffset} to ${logEndOffset}`,
    );
    this.offset = offset;
    this.logStartOffset = logStartOffset;
    this.logEndOffset = logEndOffset;
  }
}

/** A batch larger than `max.message.bytes`. */
export class RecordTooLargeError extends StorageError {
  override name = "RecordTooLargeError";
}

/** The batches of one append are larger than `segment.bytes`. */
export class RecordBatchTooLargeError extends StorageError {
  override name = "RecordBatchTooLargeError";
}

/** What is wrong with a record, and its index in the batch, from 0 (KIP-467). */
export interface RecordError {
  readonly batchIndex: number;
  readonly message: string;
}

/** A batch that is rejected because of its content. */
abstract class RecordValidationError extends StorageError {
  /** The invalid records, or as many as are named; empty if the batch as a whole is invalid. */
  readonly recordErrors: readonly RecordError[];

  constructor(
    message: string,
    options?: ErrorOptions & { readonly recordErrors?: readonly RecordError[] },
  ) {
    super(message, options);
    this.recordErrors = options?.recordErrors ?? [];
  }
}

/**
 * A batch whose header contradicts itself or its records, or that has a malformed record or one
 * without a required key.
 */
export class InvalidRecordError extends RecordValidationError {
  override name = "InvalidRecordError";
}

/**
 * A timestamp outside the bounds of `message.timestamp.before.max.ms` and
 * `message.timestamp.after.max.ms`, or a timestamp type that clients must not set.
 */
export class InvalidTimestampError extends RecordValidationError {
  override name = "InvalidTimestampError";
}

/** An idempotent producer's batch that does not follow the last one. */
export class OutOfOrderSequenceError extends StorageError {
  override name = "OutOfOrderSequenceError";
}

/** A batch of a producer epoch that is fenced by a newer one. */
export class InvalidProducerEpochError extends StorageError {
  override name = "InvalidProducerEpochError";
}

/** A non-transactional batch from a producer that has an open transaction in this log. */
export class InvalidTransactionStateError extends StorageError {
  override name = "InvalidTransactionStateError";
}

/**
 * A batch that would open a transaction of which the coordinator was not asked, or was asked before the
 * last marker (KIP-890).
 */
export class UnverifiedTransactionError extends InvalidTransactionStateError {
  override name = "UnverifiedTransactionError";
}

/** A transaction marker from a coordinator that has been replaced by a newer one. */
export class TransactionCoordinatorFencedError extends StorageError {
  override name = "TransactionCoordinatorFencedError";
}

/** A batch of a leader's log that begins before the end of the follower's. */
export class UnexpectedAppendOffsetError extends StorageError {
  override name = "UnexpectedAppendOffsetError";
  /** Base offset of the batch. */
  readonly offset: number;
  /** The lowest offset that it could have had. */
  readonly nextOffset: number;

  constructor(log: string, offset: number, nextOffset: number) {
    super(`Cannot append to "${log}": batch begins at offset ${offset}, the next is ${nextOffset}`);
    this.offset = offset;
    this.nextOffset = nextOffset;
  }
}

/** A batch of a leader's log with an epoch lower than that before it, or newer than the leader's. */
export class UnexpectedLeaderEpochError extends StorageError {
  override name = "UnexpectedLeaderEpochError";
}

/** The disk is full. Nothing was written, the log stays in service, and a retry may succeed. */
export class DiskFullError extends StorageError {
  override name = "DiskFullError";
}

/**
 * A write or sync failed in a way that leaves the state on disk unknown. The log rejects appends
 * and flushes until it is reopened.
 */
export class LogOfflineError extends StorageError {
  override name = "LogOfflineError";
}

/** The log was closed or deleted. */
export class LogClosedError extends StorageError {
  override name = "LogClosedError";
}

/** An index, snapshot, checkpoint or properties file with invalid content. */
export class CorruptFileError extends StorageError {
  override name = "CorruptFileError";
  /** Path of the file. */
  readonly path: string;
  /** What is wrong with it. */
  readonly problem: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`Cannot use file "${path}": ${problem}`, options);
    this.path = path;
    this.problem = problem;
  }
}

/** The data folder is in use by another process, or by another part of this one. */
export class DataFolderLockedError extends StorageError {
  /** The name of the error class. */
  override name = "DataFolderLockedError";
}
