/**
 * What a batch must be to be appended for a client, before its header and records are validated.
 *
 * @module
 */

import { compressionName, CompressionType } from "../../protocol/compression/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { RecordBatch } from "../../protocol/records/mod.ts";
import { COMPRESSION_MASK } from "../../protocol/records/record_batch.ts";
import { ApiError } from "../api_error.ts";

const FIRST_VERSION_WITH_ZSTD = 7;
const MAGIC_V2 = 2;

/**
 * The batch in a partition's part of a Produce request.
 *
 * @throws {ApiError} INVALID_RECORD unless it is exactly one batch of format 2;
 *   UNSUPPORTED_COMPRESSION_TYPE.
 */
export function producedBatch(records: Uint8Array, apiVersion: number): RecordBatch {
  const batch = new RecordBatch(records);
  if (batch.magic !== MAGIC_V2) {
    throw new ApiError(
      ErrorCode.INVALID_RECORD,
      `Cannot append: record format has magic ${batch.magic}, only ${MAGIC_V2} is supported`,
    );
  }
  if (batch.sizeInBytes !== records.length) {
    throw new ApiError(
      ErrorCode.INVALID_RECORD,
      "Cannot append: a partition's records must be exactly one record batch",
    );
  }
  const compression = batch.attributes & COMPRESSION_MASK;
  if (compressionName(compression) === undefined) {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `Cannot append: compression type is ${compression}, the last known is ${CompressionType.zstd}`,
    );
  }
  if (compression === CompressionType.zstd && apiVersion < FIRST_VERSION_WITH_ZSTD) {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `Cannot append: zstd needs Produce version ${FIRST_VERSION_WITH_ZSTD} or later`,
    );
  }
  return batch;
}

/** The partition that a batch is appended to. */
export interface BatchTarget {
  /** Whether its topic is internal. */
  readonly isInternal: boolean;
  /** Names the partition in messages. */
  toString(): string;
}

/**
 * Rejects batches that only the broker itself may append.
 *
 * @throws {ApiError} INVALID_TOPIC_EXCEPTION, INVALID_RECORD.
 */
export function checkClientBatch(target: BatchTarget, batch: RecordBatch): void {
  if (target.isInternal) {
    throw new ApiError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Cannot append to "${target}": the topic is internal`,
    );
  }
  if (batch.isTransactional && !batch.hasProducerId) {
    throw new ApiError(
      ErrorCode.INVALID_RECORD,
      `Cannot append to "${target}": the batch is transactional, but has no producer id`,
    );
  }
  if (batch.baseOffset !== 0) {
    throw new ApiError(
      ErrorCode.INVALID_RECORD,
      `Cannot append to "${target}": base offset is ${batch.baseOffset}, producers must send 0`,
    );
  }
}
