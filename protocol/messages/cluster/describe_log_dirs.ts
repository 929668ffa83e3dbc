/**
 * DescribeLogDirs: the log directories of a broker, and the size of each replica in them (KIP-113).
 *
 * Kafka 4 starts at version 1. 2 is flexible, 3 adds a top-level error, 4 the size of the volume
 * (KIP-827).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of DescribeLogDirs in all versions. */
export const describeLogDirs = api({
  key: 35,
  name: "DescribeLogDirs",
  versions: "1-4",
  flexible: "2+",
  request: {
    /** The partitions to describe, null for all. */
    topics: array({
      topic: string(),
      partitions: array(int32()),
    }, { nullable: "0+" }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16("3+", { default: 0, ignorable: true }),
    /** At least one: Java's admin client treats an empty list as a missing permission. */
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          /** Size of all segments in bytes. */
          partitionSize: int64(),
          /**
           * Number of offsets that the log lacks compared to the high watermark or, for a future
           * log, to the current one.
           */
          offsetLag: int64(),
          /** Whether this log is a copy that will replace another. */
          isFutureKey: bool({ default: false }),
        }),
      }),
      /** Size of the volume in bytes, −1 if unknown. */
      totalBytes: int64("4+", { default: -1, ignorable: true }),
      /** Free space on the volume in bytes, −1 if unknown. */
      usableBytes: int64("4+", { default: -1, ignorable: true }),
    }),
  },
});

/** A decoded DescribeLogDirs request. */
export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>;
/** A DescribeLogDirs response to encode. */
export type DescribeLogDirsResponse = ResponseTo<typeof describeLogDirs>;
