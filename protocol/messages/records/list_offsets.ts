/**
 * ListOffsets: looks up offsets by timestamp, and the start and end of the log.
 *
 * Version 1 returns one offset and its timestamp (KIP-79), 2 adds the isolation level (KIP-98), 4
 * leader epochs (KIP-320), 5 may return OFFSET_NOT_AVAILABLE (KIP-207), 6 is flexible. Further
 * special timestamps were added by 7 (KIP-734), 8 (KIP-405), 9 (KIP-1005) and 11 (KIP-1023); 10
 * adds a timeout for reads from remote storage (KIP-1075).
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  int64,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Special timestamps that select a position in the log. */
export const ListOffsetsTimestamp = {
  /** The high watermark, or the last stable offset. */
  latest: -1,
  /** The log start offset. */
  earliest: -2,
  /** The record with the highest timestamp (KIP-734). */
  maxTimestamp: -3,
  /** The first offset on the local disk (KIP-405). */
  earliestLocal: -4,
  /** The last offset in remote storage (KIP-1005). */
  latestTiered: -5,
  /** The first offset not yet in remote storage (KIP-1023). */
  earliestPendingUpload: -6,
} as const;

/** The replica id of requests that any replica may answer, from its log end. */
export const DEBUGGING_REPLICA = -2;

/** Request and response of ListOffsets in all versions. */
export const listOffsets = api({
  key: 2,
  name: "ListOffsets",
  versions: "1-11",
  flexible: "6+",
  request: {
    /** The follower that sends the request, −1 for a consumer. */
    replicaId: int32({ default: -1 }),
    /** Whether the latest offset is the high watermark (0) or the last stable offset (1). */
    isolationLevel: int8("2+", { default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32("4+", { default: -1, ignorable: true }),
        /** Milliseconds since 1970, or one of `ListOffsetsTimestamp`. */
        timestamp: int64(),
      }),
    }),
    /** How long to wait for remote storage. */
    timeoutMs: int32("10+", { default: 0, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32("2+", { default: 0, ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        /** The timestamp of the record, −1 if unknown. */
        timestamp: int64({ default: -1 }),
        /** The first offset at or after the timestamp, −1 if there is none. */
        offset: int64({ default: -1 }),
        leaderEpoch: int32("4+", { default: -1 }),
      }),
    }),
  },
});

/** A decoded ListOffsets request. */
export type ListOffsetsRequest = RequestOf<typeof listOffsets>;
/** A ListOffsets response to encode. */
export type ListOffsetsResponse = ResponseTo<typeof listOffsets>;
