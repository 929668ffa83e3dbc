/**
 * WriteTxnMarkers: writes the outcome of transactions to their partitions (KIP-98).
 *
 * Sent by transaction coordinators, and by tools that abort a hanging transaction (KIP-664).
 * Version 1 is flexible, 2 adds the transaction version (KIP-1228).
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
} from "../../schema/schema.ts";

/** Request and response of WriteTxnMarkers in all versions. */
export const writeTxnMarkers = api({
  key: 27,
  name: "WriteTxnMarkers",
  versions: "1-2",
  flexible: "1+",
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      /** Whether the transaction is committed. */
      transactionResult: bool(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      coordinatorEpoch: int32(),
      transactionVersion: int8("2+", { default: 0, ignorable: true }),
    }),
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
});

/** A decoded WriteTxnMarkers request. */
export type WriteTxnMarkersRequest = RequestOf<typeof writeTxnMarkers>;
/** A WriteTxnMarkers response to encode. */
export type WriteTxnMarkersResponse = ResponseTo<typeof writeTxnMarkers>;
