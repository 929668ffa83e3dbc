/**
 * ListTransactions: the transactions coordinated by this broker (KIP-664).
 *
 * Version 1 filters by duration (KIP-994), 2 by a pattern of ids (KIP-1152).
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

/** Request and response of ListTransactions in all versions. */
export const listTransactions = api({
  key: 66,
  name: "ListTransactions",
  versions: "0-2",
  flexible: "0+",
  request: {
    /** Empty for all states. */
    stateFilters: array(string()),
    /** Empty for all producers. */
    producerIdFilters: array(int64()),
    /** Minimum time in milliseconds since the start of the transaction; negative for any. */
    durationFilter: int64("1+", { default: -1 }),
    /** A regular expression (RE2) that must match the whole id; null or empty for any. */
    transactionalIdPattern: string("2+", { nullable: "2+", default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    /** State filters of the request that are unknown. */
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
});

/** A decoded ListTransactions request. */
export type ListTransactionsRequest = RequestOf<typeof listTransactions>;
/** A ListTransactions response to encode. */
export type ListTransactionsResponse = ResponseTo<typeof listTransactions>;
