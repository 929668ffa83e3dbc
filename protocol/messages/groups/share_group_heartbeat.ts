/**
 * ShareGroupHeartbeat: joins a share group, keeps the membership alive, and leaves (KIP-932).
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
  struct,
  uuid,
} from "../../schema/schema.ts";

/** Request and response of ShareGroupHeartbeat in all versions. */
export const shareGroupHeartbeat = api({
  key: 76,
  name: "ShareGroupHeartbeat",
  versions: "1",
  flexible: "0+",
  request: {
    groupId: string("0+"),
    memberId: string("0+"),
    memberEpoch: int32("0+"),
    rackId: string("0+", { nullable: "0+", default: null }),
    subscribedTopicNames: array(string("0+"), "0+", { nullable: "0+", default: null }),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    memberId: string("0+", { nullable: "0+", default: null }),
    memberEpoch: int32("0+"),
    heartbeatIntervalMs: int32("0+"),
    assignment: struct(
      {
        topicPartitions: array({
          topicId: uuid("0+"),
          partitions: array(int32("0+"), "0+"),
        }, "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
  },
});

/** A decoded ShareGroupHeartbeat request. */
export type ShareGroupHeartbeatRequest = RequestOf<typeof shareGroupHeartbeat>;
/** A ShareGroupHeartbeat response to encode. */
export type ShareGroupHeartbeatResponse = ResponseTo<typeof shareGroupHeartbeat>;
