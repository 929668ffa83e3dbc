/**
 * Reads from a partition, and checks what must hold for any answer.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { listOffsets } from "../../protocol/messages/records/list_offsets.ts";
import { recordBatches } from "../../protocol/records/mod.ts";
import type { Bounds, FoundRecord, PartitionModel } from "./partition_model.ts";
import type { RecordBook } from "./record_book.ts";
import { check } from "./violation.ts";
import type { Client } from "./world.ts";

/** Limits of a read. */
export interface ReadLimits {
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

/** The result of a read. */
export interface Read {
  readonly errorCode: number;
  readonly bounds: Bounds;
  readonly records: readonly FoundRecord[];
  /** The offset to continue at: compaction may have left no record in the last batches. */
  readonly nextOffset: number;
}

/** Reads from an offset; returns nothing if there was no answer. */
export async function read(
  client: Client,
  book: RecordBook,
  partition: PartitionModel,
  fetchOffset: number,
  { maxBytes, maxWaitMs }: ReadLimits,
): Promise<Read | undefined> {
  const { topic, index } = partition;
  const response = await client.request(fetch, 16, {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    topics: [{
      topicId: topic.id,
      partitions: [{ partition: index, fetchOffset, partitionMaxBytes: maxBytes }],
    }],
  });
  if (response === undefined) return undefined;
  check(response.errorCode === ErrorCode.NONE, () => `Fetch is answered ${response.errorCode}`);
  const answer = response.responses[0]!.partitions[0]!;
  const { errorCode, highWatermark, logStartOffset = -1, records: bytes } = answer;
  const found = decodeRead(partition, book, bytes, {
    fetchOffset,
    highWatermark,
    isLogAppendTime: topic.possibleConfigs[0]!.get("message.timestamp.type") === "LogAppendTime",
    mayHaveGaps: topic.hadCompaction,
  });
  return { errorCode, bounds: { highWatermark, logStartOffset }, ...found };
}

/** Where and how a read was made. */
export interface ReadFrom {
  readonly fetchOffset: number;
  readonly highWatermark: number;
  readonly isLogAppendTime: boolean;
  /** Whether records may be missing between others. */
  readonly mayHaveGaps: boolean;
}

/** Decodes the records of an answer, which must be those from the offset on, up to the high watermark. */
export function decodeRead(
  partition: { toString(): string },
  book: RecordBook,
  bytes: Uint8Array | null,
  { fetchOffset, highWatermark, isLogAppendTime, mayHaveGaps }: ReadFrom,
): Pick<Read, "records" | "nextOffset"> {
  const whole = bytes ?? new Uint8Array(0);
  const records = book.decode(whole, fetchOffset, isLogAppendTime);
  let nextOffset = fetchOffset;
  for (const batch of recordBatches(whole)) nextOffset = batch.nextOffset;
  let next = fetchOffset;
  for (const { offset } of records) {
    check(
      mayHaveGaps ? offset >= next : offset === next,
      () => `A read of ${partition} from ${fetchOffset} has offset ${offset} where ${next} was due`,
    );
    next = offset + 1;
  }
  check(
    records.length === 0 || next <= highWatermark,
    () => `A read of ${partition} reaches ${next}, its high watermark is ${highWatermark}`,
  );
  return { records, nextOffset };
}

/** Looks up the offset of the first record at or after a timestamp, or of one of Kafka's special timestamps. */
export async function offsetOf(
  client: Client,
  { topic, index }: PartitionModel,
  timestamp: number,
): Promise<{ errorCode: number; offset: number; timestamp: number } | undefined> {
  const response = await client.request(listOffsets, 7, {
    topics: [{ name: topic.name, partitions: [{ partitionIndex: index, timestamp }] }],
  });
  if (response === undefined) return undefined;
  return response.topics[0]!.partitions[0];
}
