/**
 * OffsetCommit: converts the offsets of a client to records.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { OffsetCommitRequest } from "../../../protocol/messages/groups/offset_commit.ts";
import type { RecordOf } from "../records/group_record.ts";

type RequestTopic = OffsetCommitRequest["topics"][number];

/** The client did not set a retention time. */
const DEFAULT_RETENTION = -1;

/** The result of committing one partition. */
export interface CommitResult {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

/** The records of a commit and the result of each partition. */
export interface Commit {
  readonly records: readonly RecordOf<"offsetCommit">[];
  /** In request order. */
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: string;
    readonly partitions: readonly CommitResult[];
  }[];
}

/** Limits and times of a commit. */
export interface CommitOptions {
  readonly nowMs: number;
  /** Milliseconds to keep the offsets, −1 for the broker's setting (versions 2 to 4). */
  readonly retentionTimeMs: number;
  /** Maximum length of the metadata in characters. */
  readonly maxMetadataLength: number;
  /** The error code of a partition; 0 if it can be committed. */
  refusal(topic: string, partition: number): number;
}

/** Creates the records of an accepted commit. */
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

/** Creates the tombstone of a committed offset. */
export function offsetTombstone(
  group: string,
  topic: string,
  partition: number,
): RecordOf<"offsetCommit"> {
  return { kind: "offsetCommit", key: { group, topic, partition }, value: null };
}
