/**
 * OffsetCommit: from what a client commits to records.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { OffsetCommitRequest } from "../../../protocol/messages/groups/offset_commit.ts";
import type { RecordOf } from "../records/group_record.ts";

type RequestTopic = OffsetCommitRequest["topics"][number];

/** A client that does not say for how long its offsets are to be kept. */
const DEFAULT_RETENTION = -1;

/** What became of one partition of a commit. */
export interface CommitResult {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

/** What a commit comes to: records to write, and a result for each partition. */
export interface Commit {
  readonly records: readonly RecordOf<"offsetCommit">[];
  /** In the order of the request. */
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: string;
    readonly partitions: readonly CommitResult[];
  }[];
}

/** Bounds and times that a commit is subject to. */
export interface CommitOptions {
  readonly nowMs: number;
  /** Milliseconds to keep the offsets, −1 for the broker's setting (versions 2 to 4). */
  readonly retentionTimeMs: number;
  /** Longest text beside an offset, in characters. */
  readonly maxMetadataLength: number;
  /** The error that a commit of one partition is refused with; 0 for none. */
  refusal(topic: string, partition: number): number;
}

/** The records of a commit that its group has accepted. */
export function offsetRecords(
  groupId: string,
  topics: readonly RequestTopic[],
  options: CommitOptions,
): Commit {
  const { nowMs, retentionTimeMs, maxMetadataLength } = options;
  const expireTimestamp = retentionTimeMs === DEFAULT_RETENTION ? -1 : nowMs + retentionTimeMs;
  const records: RecordOf<"offsetCommit">[] = [];
  const results = topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((partition): CommitResult => {
      const { partitionIndex, committedOffset, committedLeaderEpoch } = partition;
      const metadata = partition.committedMetadata ?? "";
      if (metadata.length > maxMetadataLength) {
        return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE };
      }
      const refusal = options.refusal(name, partitionIndex);
      if (refusal !== ErrorCode.NONE) return { partitionIndex, errorCode: refusal };
      records.push({
        kind: "offsetCommit",
        key: { group: groupId, topic: name, partition: partitionIndex },
        value: {
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata,
          commitTimestamp: nowMs,
          expireTimestamp,
          topicId,
        },
      });
      return { partitionIndex, errorCode: ErrorCode.NONE };
    }),
  }));
  return { records, topics: results };
}

/** The record that a committed offset is gone. */
export function offsetTombstone(
  group: string,
  topic: string,
  partition: number,
): RecordOf<"offsetCommit"> {
  return { kind: "offsetCommit", key: { group, topic, partition }, value: null };
}
