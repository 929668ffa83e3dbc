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
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string({ nullable: "0+", default: null }),
    subscribedTopicNames: array(string(), { nullable: "0+", default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    memberId: string({ nullable: "0+", default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({
      topicPartitions: array({
        topicId: uuid(),
        partitions: array(int32()),
      }),
    }, { nullable: "0+", default: null }),
  },
});

/** A decoded ShareGroupHeartbeat request. */
export type ShareGroupHeartbeatRequest = RequestOf<typeof shareGroupHeartbeat>;
/** A ShareGroupHeartbeat response to encode. */
export type ShareGroupHeartbeatResponse = ResponseTo<typeof shareGroupHeartbeat>;
