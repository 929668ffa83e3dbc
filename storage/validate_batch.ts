/**
 * Judges a batch that a client sent, before it is appended. Kafka: `LogValidator`.
 *
 * @module
 */

import type { RecordBatch } from "../protocol/records/mod.ts";
import { InvalidRecordError, InvalidTimestampError, RecordTooLargeError } from "./errors.ts";
import type { LogConfig } from "./log_config.ts";
import { isTimestampOutOfRange } from "./timestamp_range.ts";

/**
 * Checks size, CRC, counts, producer fields and timestamps of a batch. Records are decoded only if the
 * settings ask for what the header cannot tell: keys on a compacted log, or a limit on old timestamps.
 * If the log's timestamps are those of the append, sets them, which changes the batch.
 *
 * @param log Name of the log, for messages.
 * @param nowMs The time of the append, in milliseconds since 1970.
 * @throws {RecordTooLargeError} If the batch is larger than `max.message.bytes`.
 * @throws {CorruptRecordError} If the CRC is wrong, or records that are decoded are.
 * @throws {InvalidRecordError} If the header contradicts itself, or a key is missing.
 * @throws {InvalidTimestampError} If a timestamp is out of bounds or claims to be the broker's.
 */
export function validateBatch(
  log: string,
  batch: RecordBatch,
  config: LogConfig,
  nowMs: number,
): void {
  if (batch.sizeInBytes > config.maxMessageBytes) {
    throw new RecordTooLargeError(
      `Cannot append to "${log}": batch is ${batch.sizeInBytes} bytes, max.message.bytes is ${config.maxMessageBytes}`,
    );
  }
  batch.ensureValid();
  checkHeader(log, batch);
  if (config.messageTimestampType === "LogAppendTime") {
    batch.setLogAppendTime(nowMs);
  } else {
    checkTimestamps(log, batch, config, nowMs);
  }
  if (config.cleanupPolicy.includes("compact")) checkKeys(log, batch);
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
      `Cannot append to "${log}": clients may not write control batches`,
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

function checkTimestamps(
  log: string,
  batch: RecordBatch,
  config: LogConfig,
  nowMs: number,
): void {
  if (batch.timestampType !== 0) {
    throw new InvalidTimestampError(
      `Cannot append to "${log}": timestamp type is LogAppendTime, message.timestamp.type is CreateTime`,
    );
  }
  checkTimestamp(log, batch.maxTimestamp, config, nowMs);
  if (config.messageTimestampBeforeMaxMs >= nowMs) return;
  for (const { timestamp } of batch.records()) checkTimestamp(log, timestamp, config, nowMs);
}

function checkTimestamp(log: string, timestamp: number, config: LogConfig, nowMs: number): void {
  if (!isTimestampOutOfRange(timestamp, config, nowMs)) return;
  const earliest = nowMs - config.messageTimestampBeforeMaxMs;
  const latest = nowMs + config.messageTimestampAfterMaxMs;
  throw new InvalidTimestampError(
    `Cannot append to "${log}": timestamp is ${timestamp}, allowed is ${earliest} to ${latest}`,
  );
}

function checkKeys(log: string, batch: RecordBatch): void {
  let index = 0;
  for (const { keySize } of batch.records()) {
    if (keySize < 0) {
      throw new InvalidRecordError(
        `Cannot append to "${log}": record ${index} has no key, and the log is compacted`,
        { recordIndex: index },
      );
    }
    index++;
  }
}
