/**
 * TxnOffsetCommit: commits a group's offsets as part of a producer's transaction (KIP-98).
 *
 * Version 2 adds leader epochs (KIP-320), 3 is flexible and adds the group member (KIP-447), 4 may
 * return TRANSACTION_ABORTABLE, 5 also adds the group to the transaction (KIP-890).
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

/** Request and response of TxnOffsetCommit in all versions. */
export const txnOffsetCommit = api({
  key: 28,
  name: "TxnOffsetCommit",
  versions: "0-5",
  flexible: "3+",
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32("3+", { default: -1 }),
    memberId: string("3+", { default: "" }),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32("2+", { default: -1, ignorable: true }),
        committedMetadata: string({ nullable: "0+" }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});

/** A decoded TxnOffsetCommit request. */
export type TxnOffsetCommitRequest = RequestOf<typeof txnOffsetCommit>;
/** A TxnOffsetCommit response to encode. */
export type TxnOffsetCommitResponse = ResponseTo<typeof txnOffsetCommit>;
