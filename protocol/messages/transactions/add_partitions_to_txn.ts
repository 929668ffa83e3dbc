/**
 * AddPartitionsToTxn: adds partitions to a producer's transaction (KIP-98).
 *
 * Version 3 is flexible. 4 is for brokers: it has many transactions per request, and can verify
 * them only (KIP-890). 5 may return TRANSACTION_ABORTABLE.
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
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of AddPartitionsToTxn in all versions. */
export const addPartitionsToTxn = api({
  key: 24,
  name: "AddPartitionsToTxn",
  versions: "0-5",
  flexible: "3+",
  request: {
    transactions: array("4+", {
      transactionalId: string(),
      producerId: int64(),
      producerEpoch: int16(),
      /**
       * Whether to verify that the partitions are part of the transaction, without adding any.
       */
      verifyOnly: bool({ default: false }),
      topics: array({
        name: string(),
        partitions: array(int32()),
      }),
    }, { default: [] }),
    /** Up to version 3 a request has one transaction. */
    v3AndBelowTransactionalId: string("0-3", { default: "" }),
    v3AndBelowProducerId: int64("0-3", { default: 0 }),
    v3AndBelowProducerEpoch: int16("0-3", { default: 0 }),
    v3AndBelowTopics: array("0-3", {
      name: string(),
      partitions: array(int32()),
    }, { default: [] }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16("4+", { default: 0, ignorable: true }),
    resultsByTransaction: array("4+", {
      transactionalId: string(),
      topicResults: array({
        name: string(),
        resultsByPartition: array({
          partitionIndex: int32(),
          partitionErrorCode: int16(),
        }),
      }),
    }, { default: [] }),
    resultsByTopicV3AndBelow: array("0-3", {
      name: string(),
      resultsByPartition: array({
        partitionIndex: int32(),
        partitionErrorCode: int16(),
      }),
    }, { default: [] }),
  },
});

/** A decoded AddPartitionsToTxn request. */
export type AddPartitionsToTxnRequest = RequestOf<typeof addPartitionsToTxn>;
/** An AddPartitionsToTxn response to encode. */
export type AddPartitionsToTxnResponse = ResponseTo<typeof addPartitionsToTxn>;
