/**
 * CreatePartitions: adds partitions to topics (KIP-195).
 *
 * Version 2 is flexible, 3 may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
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
} from "../schema.ts";

/** Request and response of CreatePartitions in all versions. */
export const createPartitions = api({
  key: 37,
  name: "CreatePartitions",
  versions: "0-3",
  flexible: "2+",
  request: {
    topics: array({
      name: string("0+"),
      /** How many partitions the topic shall have in all. */
      count: int32("0+"),
      /** The brokers of each new partition, null to let the broker choose. */
      assignments: array(
        {
          brokerIds: array(int32("0+"), "0+"),
        },
        "0+",
        { nullable: "0+", default: null },
      ),
    }, "0+"),
    /** How long to wait until the partitions are there. */
    timeoutMs: int32("0+"),
    /** Checks everything and creates nothing. */
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

/** A CreatePartitions request as a handler gets it. */
export type CreatePartitionsRequest = RequestOf<typeof createPartitions>;
/** A CreatePartitions response as a handler gives it. */
export type CreatePartitionsResponse = ResponseTo<typeof createPartitions>;
