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
      name: string("0+"),
      /** Total number of partitions after the change. */
      count: int32("0+"),
      /** The brokers of each new partition; null lets the broker choose. */
      assignments: array(
        {
          brokerIds: array(int32("0+"), "0+"),
        },
        "0+",
        { nullable: "0+", default: null },
      ),
    }, "0+"),
    /** How long to wait for the partitions to be created. */
    timeoutMs: int32("0+"),
    /** Validates everything and creates nothing. */
    validateOnly: bool("0+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    results: array({
      name: string("0+"),
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+", default: null }),
    }, "0+"),
  },
});

/** A decoded CreatePartitions request. */
export type CreatePartitionsRequest = RequestOf<typeof createPartitions>;
/** A CreatePartitions response to encode. */
export type CreatePartitionsResponse = ResponseTo<typeof createPartitions>;
