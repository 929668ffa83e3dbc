/**
 * DescribeTransactions: the state of transactional ids (KIP-664).
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

/** Request and response of DescribeTransactions in all versions. */
export const describeTransactions = api({
  key: 65,
  name: "DescribeTransactions",
  versions: "0",
  flexible: "0+",
  request: {
    transactionalIds: array(string()),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({
        topic: string(),
        partitions: array(int32()),
      }),
    }),
  },
});

/** A decoded DescribeTransactions request. */
export type DescribeTransactionsRequest = RequestOf<typeof describeTransactions>;
/** A DescribeTransactions response to encode. */
export type DescribeTransactionsResponse = ResponseTo<typeof describeTransactions>;
