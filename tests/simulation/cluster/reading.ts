/**
 * Reads from a partition's leader, and checks what must hold for any answer.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import {
  listOffsets,
  ListOffsetsTimestamp,
} from "../../../protocol/messages/records/list_offsets.ts";
import type { FoundRecord } from "../partition_model.ts";
import { decodeRead } from "../reading.ts";
import type { RecordBook } from "../record_book.ts";
import type { ClusterClient } from "./client.ts";
import type { ClusterPartition, Told } from "./model.ts";

/** The result of a read. */
export interface ClusterRead {
  readonly errorCode: number;
  readonly told: Told;
  readonly records: readonly FoundRecord[];
  readonly nextOffset: number;
}

/** Limits of a read. */
export interface ReadLimits {
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

/** Reads from an offset; returns nothing if there was no answer. What it finds is shown to the model. */
export async function read(
  client: ClusterClient,
  book: RecordBook,
  partition: ClusterPartition,
  fetchOffset: number,
  { maxBytes, maxWaitMs }: ReadLimits,
): Promise<ClusterRead | undefined> {
  const { topic, index } = partition;
  let before: Told | undefined;
  const answer = await client.requestLeader(partition, fetch, 16, (leaderEpoch) => {
    before = partition.before(leaderEpoch);
    return {
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      topics: [{
        topicId: topic.id,
        partitions: [{
          partition: index,
          fetchOffset,
          partitionMaxBytes: maxBytes,
          currentLeaderEpoch: leaderEpoch,
        }],
      }],
    };
  });
  if (answer === undefined) return undefined;
  const { response, leaderEpoch } = answer;
  if (response.errorCode !== ErrorCode.NONE) {
    const told = { leaderEpoch, highWatermark: -1, logStartOffset: -1 };
    return { errorCode: response.errorCode, told, records: [], nextOffset: fetchOffset };
  }
  const { errorCode, highWatermark, logStartOffset = -1, records: bytes } = response.responses[0]!
    .partitions[0]!;
  const told = { leaderEpoch, highWatermark, logStartOffset };
  const found = decodeRead(partition, book, bytes, {
    fetchOffset,
    highWatermark,
    isLogAppendTime: false,
    mayHaveGaps: false,
  });
  if (errorCode === ErrorCode.NONE) {
    client.checkLeader(answer, partition);
    // A new leader learns of the high watermark after a moment, and answers fetches before that.
    const atLeast = Math.max(highWatermark, before!.highWatermark);
    partition.tell({ ...told, highWatermark: atLeast }, before!);
    partition.show(found.records);
  }
  return { errorCode, told, ...found };
}

/** Looks up the first or the last offset. */
export async function offsetOf(
  client: ClusterClient,
  partition: ClusterPartition,
  timestamp: typeof ListOffsetsTimestamp.earliest | typeof ListOffsetsTimestamp.latest,
): Promise<{ errorCode: number; offset: number; leaderEpoch: number } | undefined> {
  const { topic, index: partitionIndex } = partition;
  let before: Told | undefined;
  const answer = await client.requestLeader(partition, listOffsets, 7, (currentLeaderEpoch) => {
    before = partition.before(currentLeaderEpoch);
    return {
      topics: [{
        name: topic.name,
        partitions: [{ partitionIndex, timestamp, currentLeaderEpoch }],
      }],
    };
  });
  if (answer === undefined) return undefined;
  const { errorCode, offset } = answer.response.topics[0]!.partitions[0]!;
  const { leaderEpoch } = answer;
  if (errorCode === ErrorCode.NONE) {
    client.checkLeader(answer, partition);
    if (timestamp === ListOffsetsTimestamp.latest) {
      partition.tell({ leaderEpoch, highWatermark: offset, logStartOffset: -1 }, before!);
    }
  }
  return { errorCode, offset, leaderEpoch };
}
