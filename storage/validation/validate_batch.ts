/**
 * Validates a batch from a client before it is appended, corrects the maximum timestamp in its
 * header, and recompresses it if the log requires that. Kafka: `LogValidator`.
 *
 * The header is not trusted. With `record.validation=full` all records are checked: their number
 * must match the header, and they must be well-formed with consecutive offsets, because consumers
 * cannot get past others. The maximum timestamp is computed from them, because retention and
 * lookups by timestamp depend on it. Uncompressed records are checked in place. Compressed ones are
 * expanded up to a bound, immediately up to about a megabyte and in slices above, so that other
 * requests do not wait.
 *
 * This is stricter than Kafka, which stores some batches that consumers may fail to read and that
 * no client sends: with offsets that are not consecutive, sizes below -1, or bytes after the
 * compressed data. It also rejects batches from clients with timestamp type LogAppendTime.
 *
 * @module
 */

import { compress, CompressionType, maxExpandedBytes } from "../../protocol/compression/mod.ts";
import { CompressionError, DecompressedSizeError } from "../../protocol/compression/errors.ts";
import {
  decompressAtOnce,
  decompressInSlices,
  type WorkSlice,
} from "../../protocol/compression/slices.ts";
import { INT64_MIN, int64Text } from "../../protocol/primitives/int64.ts";
import {
  LOG_OVERHEAD,
  MalformedRecordError,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
  RecordWalk,
} from "../../protocol/records/mod.ts";
import {
  ATTRIBUTES_POSITION,
  BATCH_LENGTH_POSITION,
  COMPRESSION_MASK,
} from "../../protocol/records/record_batch.ts";
import {
  InvalidRecordError,
  InvalidTimestampError,
  type RecordError,
  RecordTooLargeError,
} from "../errors.ts";
import type { LogConfig } from "../log/log_config.ts";
import { isTimestampOutOfRange } from "./timestamp_range.ts";

/** What a long validation needs: slices, and compression off the event loop. */
export interface BatchWork extends WorkSlice {
  /** Compresses without blocking the event loop. */
  compress(
    type: CompressionType,
    bytes: Uint8Array,
    level: number | undefined,
  ): Promise<Uint8Array>;
}

/** Maximum expanded size of records without slices: more takes milliseconds. */
const EXPANDED_AT_ONCE = 1_250_000;

/** Records and headers checked per slice; 10 to 100 ns each. */
const STEPS_AT_ONCE = 50_000;

/** Maximum size of records that are compressed on the event loop. */
const COMPRESSED_AT_ONCE = 16 * 1024;

/**
 * Checks the size, CRC, header and records of a batch, if that takes at most a few milliseconds.
 * Corrects its maximum timestamp, or sets the time of the append.
 *
 * @param log Name of the log, for messages.
 * @param nowMs The time of the append, in milliseconds since 1970.
 * @returns The batch to append, which is a new one if it was recompressed; `undefined` if it takes
 *   longer and {@linkcode validateBatchInSlices} must be used.
 * @throws {RecordTooLargeError} If the batch is larger than `max.message.bytes`, or expands to too
 *   many bytes.
 * @throws {CorruptRecordError} If the CRC is wrong.
 * @throws {InvalidRecordError} If the header contradicts itself or the records, or a record is
 *   malformed or lacks a required key.
 * @throws {InvalidTimestampError} If a timestamp is out of bounds, or the timestamp type is
 *   LogAppendTime.
 */
export function validateBatch(
  log: string,
  batch: RecordBatch,
  config: LogConfig,
  nowMs: number,
): RecordBatch | undefined {
  const validation = new BatchValidation(log, batch, config, nowMs);
  if (!validation.needsRecords) return validation.byHeader();
  const records = validation.expandAtOnce();
  if (records === undefined) return undefined;
  const walk = validation.walkOver(records);
  if (!validation.walk(walk)) return undefined;
  validation.judge(walk);
  if (!validation.isRecompressed) return validation.stamped(batch, walk.maxTimestamp);
  const packed = validation.compressAtOnce(records);
  return packed && validation.rebuilt(packed, walk.maxTimestamp);
}

/**
 * Like {@linkcode validateBatch}, in slices. The bytes of the batch must not be changed until this
 * resolves.
 *
 * @param work Decides when to pause, and accounts for the memory in use.
 */
export async function validateBatchInSlices(
  log: string,
  batch: RecordBatch,
  config: LogConfig,
  nowMs: number,
  work: BatchWork,
): Promise<RecordBatch> {
  const validation = new BatchValidation(log, batch, config, nowMs);
  if (!validation.needsRecords) return validation.byHeader();
  const records = await validation.expand(work);
  const walk = validation.walkOver(records);
  while (!validation.walk(walk)) {
    if (work.isOver) await work.pause();
  }
  validation.judge(walk);
  if (!validation.isRecompressed) return validation.stamped(batch, walk.maxTimestamp);
  const payload = validation.payloadOf(records);
  const packed = await work.compress(validation.target, payload, config.compressionLevel);
  return validation.rebuilt(packed, walk.maxTimestamp);
}

class BatchValidation {
  readonly #log: string;
  readonly #batch: RecordBatch;
  readonly #config: LogConfig;
  readonly #nowMs: number;
  readonly #source: CompressionType;
  /** The compression of the records in the log. */
  readonly target: CompressionType;

  constructor(log: string, batch: RecordBatch, config: LogConfig, nowMs: number) {
    this.#log = log;
    this.#batch = batch;
    this.#config = config;
    this.#nowMs = nowMs;
    this.#checkSize(batch);
    batch.ensureValid();
    checkHeader(log, batch);
    this.#source = batch.compression;
    this.target = config.compression ?? this.#source;
  }

  get isRecompressed(): boolean {
    return this.target !== this.#source;
  }

  get needsRecords(): boolean {
    return this.#config.recordValidation === "full" || this.isRecompressed;
  }

  /** The batch, validated by its header only. */
  byHeader(): RecordBatch {
    const batch = this.#batch;
    const { maxTimestamp } = batch;
    this.#checkTimestampType();
    if (this.#isCreateTime && isTimestampOutOfRange(maxTimestamp, this.#config, this.#nowMs)) {
      throw this.#refused([{ index: batch.recordCount - 1, timestamp: maxTimestamp }], 1);
    }
    return this.stamped(batch, maxTimestamp);
  }

  expandAtOnce(): Uint8Array | undefined {
    const batch = this.#batch;
    if (this.#source === CompressionType.none) return batch.bytes;
    const packed = batch.bytes.subarray(RECORD_BATCH_OVERHEAD);
    try {
      return decompressAtOnce(this.#source, packed, EXPANDED_AT_ONCE);
    } catch (error) {
      throw this.#notExpanded(error);
    }
  }

  async expand(work: BatchWork): Promise<Uint8Array> {
    const batch = this.#batch;
    if (this.#source === CompressionType.none) return batch.bytes;
    const packed = batch.bytes.subarray(RECORD_BATCH_OVERHEAD);
    try {
      return await decompressInSlices(this.#source, packed, this.#maxExpanded, work);
    } catch (error) {
      throw this.#notExpanded(error);
    }
  }

  /** The records in the result of `expand`. */
  payloadOf(records: Uint8Array): Uint8Array {
    return this.#source === CompressionType.none
      ? records.subarray(RECORD_BATCH_OVERHEAD)
      : records;
  }

  walkOver(records: Uint8Array): RecordWalk {
    const { recordCount, baseTimestamp } = this.#batch;
    const { earliest, latest } = this.#timestampRange();
    return new RecordWalk(
      records,
      this.#source === CompressionType.none ? RECORD_BATCH_OVERHEAD : 0,
      {
        recordCount,
        baseTimestamp,
        earliestTimestamp: earliest,
        latestTimestamp: latest,
        needsKeys: this.#config.cleanupPolicy.includes("compact"),
      },
    );
  }

  /** The bounds that `isTimestampOutOfRange` applies. */
  #timestampRange(): { earliest: number; latest: number } {
    if (!this.#isCreateTime) return { earliest: -Infinity, latest: Infinity };
    const { messageTimestampBeforeMaxMs, messageTimestampAfterMaxMs } = this.#config;
    const earliest = this.#nowMs - messageTimestampBeforeMaxMs;
    const isAny = isTimestampOutOfRange(INT64_MIN, this.#config, this.#nowMs) === false;
    return {
      earliest: isAny ? -Infinity : earliest,
      latest: this.#nowMs + messageTimestampAfterMaxMs,
    };
  }

  /** Checks more records. Returns whether all are checked. */
  walk(walk: RecordWalk): boolean {
    try {
      return walk.walk(STEPS_AT_ONCE);
    } catch (error) {
      if (!(error instanceof MalformedRecordError)) throw error;
      const { recordIndex, message } = error;
      throw new InvalidRecordError(`Cannot append to "${this.#log}": ${message}`, {
        cause: error,
        recordErrors: [{ batchIndex: recordIndex, message }],
      });
    }
  }

  /** Rejects a batch with records that the log does not accept. */
  judge({ unfit, unfitCount }: RecordWalk): void {
    this.#checkTimestampType();
    if (unfitCount > 0) throw this.#refused(unfit, unfitCount);
  }

  compressAtOnce(records: Uint8Array): Uint8Array | undefined {
    const payload = this.payloadOf(records);
    return payload.length > COMPRESSED_AT_ONCE && this.target !== CompressionType.none
      ? undefined
      : compress(this.target, payload, this.#config.compressionLevel);
  }

  /** The batch with recompressed records. */
  rebuilt(packed: Uint8Array, maxTimestamp: number): RecordBatch {
    const { bytes: before, attributes } = this.#batch;
    const bytes = new Uint8Array(RECORD_BATCH_OVERHEAD + packed.length);
    bytes.set(before.subarray(0, RECORD_BATCH_OVERHEAD));
    bytes.set(packed, RECORD_BATCH_OVERHEAD);
    const view = new DataView(bytes.buffer);
    view.setInt32(BATCH_LENGTH_POSITION, bytes.length - LOG_OVERHEAD);
    view.setInt16(ATTRIBUTES_POSITION, attributes & ~COMPRESSION_MASK | this.target);
    const batch = new RecordBatch(bytes);
    this.#checkSize(batch);
    // Also computes the CRC.
    batch.setMaxTimestamp(maxTimestamp);
    return this.stamped(batch, maxTimestamp);
  }

  /** The batch with its maximum timestamp, or with the time of the append. */
  stamped(batch: RecordBatch, maxTimestamp: number): RecordBatch {
    if (!this.#isCreateTime) batch.setLogAppendTime(this.#nowMs);
    else if (batch.maxTimestamp !== maxTimestamp) batch.setMaxTimestamp(maxTimestamp);
    return batch;
  }

  get #isCreateTime(): boolean {
    return this.#config.messageTimestampType === "CreateTime";
  }

  get #maxExpanded(): number {
    return maxExpandedBytes(this.#batch.sizeInBytes);
  }

  #checkSize(batch: RecordBatch): void {
    const { maxMessageBytes } = this.#config;
    if (batch.sizeInBytes <= maxMessageBytes) return;
    throw new RecordTooLargeError(
      `Cannot append to "${this.#log}": batch is ${batch.sizeInBytes} bytes, max.message.bytes is ${maxMessageBytes}`,
    );
  }

  #checkTimestampType(): void {
    if (this.#batch.timestampType === 0) return;
    const message = "Producer should not set timestamp type to LogAppendTime";
    throw new InvalidTimestampError(
      `Cannot append to "${this.#log}": ${message}; message.timestamp.type is ` +
        this.#config.messageTimestampType,
      { recordErrors: [{ batchIndex: 0, message }] },
    );
  }

  #notExpanded(error: unknown): unknown {
    if (error instanceof DecompressedSizeError) {
      return new RecordTooLargeError(
        `Cannot append to "${this.#log}": batch of ${this.#batch.sizeInBytes} bytes expands to more than ` +
          `${this.#maxExpanded} bytes; send fewer records in a batch`,
        { cause: error },
      );
    }
    if (!(error instanceof CompressionError)) return error;
    return new InvalidRecordError(`Cannot append to "${this.#log}": ${error.message}`, {
      cause: error,
    });
  }

  /** The error that names the invalid records and their problems. */
  #refused(unfit: RecordWalk["unfit"], count: number): Error {
    const earliest = int64Text(this.#nowMs - this.#config.messageTimestampBeforeMaxMs);
    const latest = int64Text(this.#nowMs + this.#config.messageTimestampAfterMaxMs);
    const recordErrors = unfit.map(({ index, timestamp }): RecordError => ({
      batchIndex: index,
      message: timestamp === undefined
        ? `Compacted topic cannot accept message without key in topic partition ${this.#log}`
        : `Timestamp ${
          int64Text(timestamp)
        } of message with offset ${index} is out of range. The ` +
          `timestamp should be within [${earliest}, ${latest}]`,
    }));
    const first = recordErrors[0]!;
    const message = `Cannot append to "${this.#log}": ${count} of ${this.#batch.recordCount} ` +
      `records are invalid, first record ${first.batchIndex}: ${first.message}`;
    return unfit.some(({ timestamp }) => timestamp !== undefined)
      ? new InvalidTimestampError(message, { recordErrors })
      : new InvalidRecordError(message, { recordErrors });
  }
}

function checkHeader(log: string, batch: RecordBatch): void {
  const { recordCount, lastOffsetDelta } = batch;
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    throw new InvalidRecordError(
      `Cannot append to "${log}": record count is ${recordCount}, last offset delta is ${lastOffsetDelta}`,
    );
  }
  if (batch.isControl) {
    throw new InvalidRecordError(
      `Cannot append to "${log}": clients must not write control batches`,
    );
  }
  if (batch.hasProducerId && (batch.baseSequence < 0 || batch.producerEpoch < 0)) {
    throw new InvalidRecordError(
      `Cannot append to "${log}": producer ${batch.producerId} has epoch ${batch.producerEpoch} and sequence ${batch.baseSequence}`,
    );
  }
  if (batch.isTransactional && !batch.hasProducerId) {
    throw new InvalidRecordError(
      `Cannot append to "${log}": batch is transactional but has no producer id`,
    );
  }
}
