/**
 * CreatePartitions: adds partitions to topics (KIP-195).
 *
 * Version 2 is flexible, 3 may return THROTTLING_QUOTA_EXCEEDED (KIP-599).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of CreatePartitions in all versions. */
export const createPartitions = api({
  key: 37,
  name: "CreatePartitions",
  versions: "0-3",
  flexible: "2+",
  request: {
    topics: array({
      name: string(),
      /** Total number of partitions after the change. */
      count: int32(),
      /** The brokers of each new partition; null lets the broker choose. */
      assignments: array({
        brokerIds: array(int32()),
      }, { nullable: "0+", default: null }),
    }),
    /** How long to wait for the partitions to be created. */
    timeoutMs: int32(),
    /** Validates everything and creates nothing. */
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+", default: null }),
    }),
  },
});

/** A decoded CreatePartitions request. */
export type CreatePartitionsRequest = RequestOf<typeof createPartitions>;
/** A CreatePartitions response to encode. */
export type CreatePartitionsResponse = ResponseTo<typeof createPartitions>;
