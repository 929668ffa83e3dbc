/**
 * ShareAcknowledge: acknowledges records that a member of a share group has processed (KIP-932).
 *
 * Version 2 can renew acquisition locks (KIP-1222).
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
  int8,
  type RequestOf,
  type ResponseTo,
  string,
  struct,
  uuid,
} from "../../schema/schema.ts";

/** Request and response of ShareAcknowledge in all versions. */
export const shareAcknowledge = api({
  key: 79,
  name: "ShareAcknowledge",
  versions: "1-2",
  flexible: "0+",
  request: {
    groupId: string("0+", { nullable: "0+", default: null }),
    memberId: string("0+", { nullable: "0+" }),
    shareSessionEpoch: int32("0+"),
    isRenewAck: bool("2+", { default: false }),
    topics: array({
      topicId: uuid("0+"),
      partitions: array({
        partitionIndex: int32("0+"),
        acknowledgementBatches: array({
          firstOffset: int64("0+"),
          lastOffset: int64("0+"),
          acknowledgeTypes: array(int8("0+"), "0+"),
        }, "0+"),
      }, "0+"),
    }, "0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    acquisitionLockTimeoutMs: int32("2+", { default: 0, ignorable: true }),
    responses: array({
      topicId: uuid("0+"),
      partitions: array({
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+", default: null }),
        currentLeader: struct({
          leaderId: int32("0+"),
          leaderEpoch: int32("0+"),
        }, "0+"),
      }, "0+"),
    }, "0+"),
    nodeEndpoints: array({
      nodeId: int32("0+"),
      host: string("0+"),
      port: int32("0+"),
      rack: string("0+", { nullable: "0+", default: null }),
    }, "0+"),
  },
});

/** A decoded ShareAcknowledge request. */
export type ShareAcknowledgeRequest = RequestOf<typeof shareAcknowledge>;
/** A ShareAcknowledge response to encode. */
export type ShareAcknowledgeResponse = ResponseTo<typeof shareAcknowledge>;
