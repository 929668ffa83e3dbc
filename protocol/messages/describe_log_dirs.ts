/**
 * DescribeLogDirs: the log directories of a broker, and the size of each replica in them (KIP-113).
 *
 * Kafka 4 starts at version 1. 2 is flexible, 3 adds an error for the whole, 4 the size of the volume
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
} from "../schema.ts";

/** Request and response of DescribeLogDirs in all versions. */
export const describeLogDirs = api({
  key: 35,
  name: "DescribeLogDirs",
  versions: "1-4",
  flexible: "2+",
  request: {
    /** What to describe, null for all. */
    topics: array(
      {
        topic: string("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+" },
    ),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("3+", { default: 0, ignorable: true }),
    /** At least one, for Java's admin client takes none for a lack of permission. */
    results: array({
      errorCode: int16("0+"),
      logDir: string("0+"),
      topics: array({
        name: string("0+"),
        partitions: array({
          partitionIndex: int32("0+"),
          /** Bytes of all segments. */
          partitionSize: int64("0+"),
          /**
           * Offsets the log lacks: to the high watermark, or for a future log to the current one.
           */
          offsetLag: int64("0+"),
          /** Whether this log is being copied to take the place of another. */
          isFutureKey: bool("0+", { default: false }),
        }, "0+"),
      }, "0+"),
      /** Size of the volume, −1 if not known. */
      totalBytes: int64("4+", { default: -1, ignorable: true }),
      /** Room left on the volume, −1 if not known. */
      usableBytes: int64("4+", { default: -1, ignorable: true }),
    }, "0+"),
  },
});

/** A DescribeLogDirs request as a handler gets it. */
export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>;
/** A DescribeLogDirs response as a handler gives it. */
export type DescribeLogDirsResponse = ResponseTo<typeof describeLogDirs>;
