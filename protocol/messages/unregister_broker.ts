/**
 * UnregisterBroker: takes a broker that has gone for good off the cluster's list (KIP-500).
 *
 * @module
 */

import { api, int16, int32, type RequestOf, type ResponseTo, string } from "../schema.ts";

/** Request and response of UnregisterBroker in all versions. */
export const unregisterBroker = api({
  key: 64,
  name: "UnregisterBroker",
  versions: "0",
  flexible: "0+",
  request: {
    brokerId: int32("0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+" }),
  },
});

/** An UnregisterBroker request as a handler gets it. */
export type UnregisterBrokerRequest = RequestOf<typeof unregisterBroker>;
/** An UnregisterBroker response as a handler gives it. */
export type UnregisterBrokerResponse = ResponseTo<typeof unregisterBroker>;
