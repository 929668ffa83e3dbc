/**
 * EndTxn: commits or aborts a producer's transaction (KIP-98).
 *
 * Version 2 may return PRODUCER_FENCED, 3 is flexible, 4 may return TRANSACTION_ABORTABLE, 5
 * returns the producer id and epoch of the next transaction (KIP-890).
 *
 * @module
 */

import {
  api,
  bool,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of EndTxn in all versions. */
export const endTxn = api({
  key: 26,
  name: "EndTxn",
  versions: "0-5",
  flexible: "3+",
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    /** Whether to commit the transaction; otherwise it is aborted. */
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: int64("5+", { default: -1, ignorable: true }),
    producerEpoch: int16("5+", { default: -1, ignorable: true }),
  },
});

/** A decoded EndTxn request. */
export type EndTxnRequest = RequestOf<typeof endTxn>;
/** An EndTxn response to encode. */
export type EndTxnResponse = ResponseTo<typeof endTxn>;
