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
    transactionalIds: array(string("0+"), "0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    transactionStates: array({
      errorCode: int16("0+"),
      transactionalId: string("0+"),
      transactionState: string("0+"),
      transactionTimeoutMs: int32("0+"),
      transactionStartTimeMs: int64("0+"),
      producerId: int64("0+"),
      producerEpoch: int16("0+"),
      topics: array({
        topic: string("0+"),
        partitions: array(int32("0+"), "0+"),
      }, "0+"),
    }, "0+"),
  },
});

/** A decoded DescribeTransactions request. */
export type DescribeTransactionsRequest = RequestOf<typeof describeTransactions>;
/** A DescribeTransactions response to encode. */
export type DescribeTransactionsResponse = ResponseTo<typeof describeTransactions>;
