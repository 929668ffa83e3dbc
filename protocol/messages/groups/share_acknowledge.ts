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
    groupId: string({ nullable: "0+", default: null }),
    memberId: string({ nullable: "0+" }),
    shareSessionEpoch: int32(),
    isRenewAck: bool("2+", { default: false }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    acquisitionLockTimeoutMs: int32("2+", { default: 0, ignorable: true }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+", default: null }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
        }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: "0+", default: null }),
    }),
  },
});

/** A decoded ShareAcknowledge request. */
export type ShareAcknowledgeRequest = RequestOf<typeof shareAcknowledge>;
/** A ShareAcknowledge response to encode. */
export type ShareAcknowledgeResponse = ResponseTo<typeof shareAcknowledge>;
