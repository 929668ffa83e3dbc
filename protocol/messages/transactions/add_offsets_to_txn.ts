/**
 * AddOffsetsToTxn: adds a group's offsets to a producer's transaction (KIP-98).
 *
 * Version 2 may return PRODUCER_FENCED, 3 is flexible, 4 may return TRANSACTION_ABORTABLE
 * (KIP-890).
 *
 * @module
 */

import {
  api,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of AddOffsetsToTxn in all versions. */
export const addOffsetsToTxn = api({
  key: 25,
  name: "AddOffsetsToTxn",
  versions: "0-4",
  flexible: "3+",
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
  },
});

/** A decoded AddOffsetsToTxn request. */
export type AddOffsetsToTxnRequest = RequestOf<typeof addOffsetsToTxn>;
/** An AddOffsetsToTxn response to encode. */
export type AddOffsetsToTxnResponse = ResponseTo<typeof addOffsetsToTxn>;
