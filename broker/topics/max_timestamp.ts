/**
 * The latest timestamp in a batch's header, where a producer got it wrong.
 *
 * Kafka decodes every record of a batch and corrects the header. This broker believes the header,
 * with one exception: kafkajs compares timestamps as text, so its header is wrong if timestamps have
 * different numbers of digits. That shows: the timestamp it takes for the latest then has fewer
 * digits than today's, or is below the one it takes for the first. Only such batches are decoded.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

/** From 2001 to 2286 all timestamps have 13 digits, and as text compare like numbers. */
const FIRST_WITH_13_DIGITS = 1_000_000_000_000;

/**
 * Corrects the header of a batch whose CRC is valid and whose timestamps are its producer's.
 *
 * @throws {CorruptRecordError} If the records cannot be decoded.
 */
export function correctMaxTimestamp(batch: RecordBatch): void {
  const { baseTimestamp, maxTimestamp } = batch;
  const isDubious = maxTimestamp < baseTimestamp ||
    (maxTimestamp >= 0 && maxTimestamp < FIRST_WITH_13_DIGITS);
  if (!isDubious) return;
  let latest = -1;
  for (const { timestamp } of batch.records()) {
    if (timestamp > latest) latest = timestamp;
  }
  if (latest !== maxTimestamp) batch.setMaxTimestamp(latest);
}
