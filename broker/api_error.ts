/**
 * Maps errors to Kafka's error codes.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../protocol/errors.ts";
import { CorruptRecordError, UnsupportedRecordFormatError } from "../protocol/records/errors.ts";
import {
  DiskFullError,
  InvalidProducerEpochError,
  InvalidRecordError,
  InvalidTimestampError,
  InvalidTransactionStateError,
  LogClosedError,
  OffsetOutOfRangeError,
  OutOfOrderSequenceError,
  RecordBatchTooLargeError,
  RecordTooLargeError,
  StorageError,
  TransactionCoordinatorFencedError,
} from "../storage/errors.ts";
import { FileSystemError } from "../storage/file_system/file_system.ts";
import {
  MetadataStoreClosedError,
  MetadataStoreRefusalError,
  MetadataStoreSilentError,
} from "./metadata/metadata_store.ts";
import type { Logger } from "./logger.ts";

/** A failure with an error code of Kafka's protocol. */
export class ApiError extends Error {
  override name = "ApiError";
  /** The error code. */
  readonly code: number;

  /**
   * @param code One of `ErrorCode`.
   * @param message What failed, with value and bound. Default: the general description of the code.
   */
  constructor(code: number, message?: string, options?: ErrorOptions) {
    // Clients can cause many of these; capturing a stack trace would dominate their cost.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message ?? errorInfo(code).description, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
  }
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** Subclasses come before their base classes. */
const CODES: readonly (readonly [ErrorClass, number])[] = [
  [CorruptRecordError, ErrorCode.CORRUPT_MESSAGE],
  [UnsupportedRecordFormatError, ErrorCode.INVALID_RECORD],
  [OffsetOutOfRangeError, ErrorCode.OFFSET_OUT_OF_RANGE],
  [RecordTooLargeError, ErrorCode.MESSAGE_TOO_LARGE],
  [RecordBatchTooLargeError, ErrorCode.RECORD_LIST_TOO_LARGE],
  [InvalidRecordError, ErrorCode.INVALID_RECORD],
  [InvalidTimestampError, ErrorCode.INVALID_TIMESTAMP],
  [OutOfOrderSequenceError, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER],
  [InvalidProducerEpochError, ErrorCode.INVALID_PRODUCER_EPOCH],
  [InvalidTransactionStateError, ErrorCode.INVALID_TXN_STATE],
  [TransactionCoordinatorFencedError, ErrorCode.TRANSACTION_COORDINATOR_FENCED],
  // The log was closed during the request: its topic was deleted, or the broker is stopping.
  [LogClosedError, ErrorCode.NOT_LEADER_OR_FOLLOWER],
  [DiskFullError, ErrorCode.KAFKA_STORAGE_ERROR],
  [StorageError, ErrorCode.KAFKA_STORAGE_ERROR],
  [FileSystemError, ErrorCode.KAFKA_STORAGE_ERROR],
  [MetadataStoreClosedError, ErrorCode.KAFKA_STORAGE_ERROR],
  [MetadataStoreRefusalError, ErrorCode.KAFKA_STORAGE_ERROR],
  // What the request wanted may still happen.
  [MetadataStoreSilentError, ErrorCode.REQUEST_TIMED_OUT],
];

/**
 * The error code for a failed operation. An error without a code is a bug: the client gets
 * UNKNOWN_SERVER_ERROR, and the error is logged with its stack.
 */
export function errorCodeOf(error: unknown, logger: Logger): number {
  if (error instanceof ApiError) return error.code;
  for (const [errorClass, code] of CODES) {
    if (error instanceof errorClass) return code;
  }
  logger.error("Request failed unexpectedly", { error });
  return ErrorCode.UNKNOWN_SERVER_ERROR;
}

/** The message for a failed operation. Internal errors are not disclosed. */
export function errorMessageOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof StorageError) return error.message;
  for (const [errorClass] of CODES) {
    if (error instanceof errorClass) return (error as Error).message;
  }
  return errorInfo(ErrorCode.UNKNOWN_SERVER_ERROR).description;
}
