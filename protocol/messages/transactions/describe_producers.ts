/**
 * DescribeProducers: the active producers of partitions (KIP-664).
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

/** Request and response of DescribeProducers in all versions. */
export const describeProducers = api({
  key: 61,
  name: "DescribeProducers",
  versions: "0",
  flexible: "0+",
  request: {
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+", default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  },
});

/** A decoded DescribeProducers request. */
export type DescribeProducersRequest = RequestOf<typeof describeProducers>;
/** A DescribeProducers response to encode. */
export type DescribeProducersResponse = ResponseTo<typeof describeProducers>;
