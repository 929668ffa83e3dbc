/**
 * What can go wrong in storage, as one class per thing a caller can act on. Messages name the log
 * (its folder), the action, the value and the bound. They carry no Kafka error codes: the broker
 * maps classes to codes.
 *
 * @module
 */

/** Base of all errors of this folder that are not a programming mistake. */
export class StorageError extends Error {
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

/** What is appended at once is larger than `segment.bytes`. */
export class RecordBatchTooLargeError extends StorageError {
  override name = "RecordBatchTooLargeError";
}

/** What is wrong with a record, at its place in its batch, counted from 0 (KIP-467). */
export interface RecordError {
  readonly batchIndex: number;
  readonly message: string;
}

/** A batch that is refused for what it holds, and which of its records are to blame, if some are. */
abstract class RecordValidationError extends StorageError {
  /** The records to blame, as far as they are named; empty if it is the batch as a whole. */
  readonly recordErrors: readonly RecordError[];

  constructor(
    message: string,
    options?: ErrorOptions & { readonly recordErrors?: readonly RecordError[] },
  ) {
    super(message, options);
    this.recordErrors = options?.recordErrors ?? [];
  }
}

/** A batch whose header contradicts itself or its records, or a record that is malformed or has no key. */
export class InvalidRecordError extends RecordValidationError {
  override name = "InvalidRecordError";
}

/** A timestamp outside `message.timestamp.before.max.ms` and `after.max.ms`, or not the client's to set. */
export class InvalidTimestampError extends RecordValidationError {
  override name = "InvalidTimestampError";
}

/** An idempotent producer's batch that does not follow the last one. */
export class OutOfOrderSequenceError extends StorageError {
  override name = "OutOfOrderSequenceError";
}

/** A batch of a producer epoch that a newer one has fenced. */
export class InvalidProducerEpochError extends StorageError {
  override name = "InvalidProducerEpochError";
}

/** A batch outside a transaction from a producer that has one open in this log. */
export class InvalidTransactionStateError extends StorageError {
  override name = "InvalidTransactionStateError";
}

/** A transaction marker from a coordinator that a newer one has replaced. */
export class TransactionCoordinatorFencedError extends StorageError {
  override name = "TransactionCoordinatorFencedError";
}

/** The disk is full. Nothing was written, the log stays in service, and trying again may succeed. */
export class DiskFullError extends StorageError {
  override name = "DiskFullError";
}

/**
 * A write or sync of this log failed in a way that leaves unknown what is on disk. The log takes no
 * more appends and promises nothing until it is opened again.
 */
export class LogOfflineError extends StorageError {
  override name = "LogOfflineError";
}

/** The log was closed or deleted. */
export class LogClosedError extends StorageError {
  override name = "LogClosedError";
}

/** An index, snapshot, checkpoint or properties file that is not what it must be. */
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

/** Another process, or another part of this one, works on the data folder. */
export class DataFolderLockedError extends StorageError {
  override name = "DataFolderLockedError";
}
