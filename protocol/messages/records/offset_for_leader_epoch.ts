/**
 * OffsetForLeaderEpoch: the end offset of a leader epoch, used to find where logs diverge.
 *
 * Kafka 4 starts at version 2, which adds the current leader epoch (KIP-320). 3 adds the replica id, 4
 * is flexible.
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of OffsetForLeaderEpoch in all versions. */
export const offsetForLeaderEpoch = api({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: "2-4",
  flexible: "4+",
  request: {
    /**
     * The follower that sends the request, −1 for a consumer, −2 for a debugging consumer that may
     * read past the high watermark.
     */
    replicaId: int32("3+", { default: -2, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ default: -1, ignorable: true }),
        /** The requested epoch. */
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        /** The largest epoch not above the requested one, −1 if there is none. */
        leaderEpoch: int32({ default: -1, ignorable: true }),
        /** The first offset of the next epoch, or the log end offset; −1 if unknown. */
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
});

/** A decoded OffsetForLeaderEpoch request. */
export type OffsetForLeaderEpochRequest = RequestOf<typeof offsetForLeaderEpoch>;
/** An OffsetForLeaderEpoch response to encode. */
export type OffsetForLeaderEpochResponse = ResponseTo<typeof offsetForLeaderEpoch>;
