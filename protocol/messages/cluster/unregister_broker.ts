/**
 * UnregisterBroker: removes the registration of a broker that has been shut down permanently
 * (KIP-500).
 *
 * @module
 */

import { api, int16, int32, type RequestOf, type ResponseTo, string } from "../../schema/schema.ts";

/** Request and response of UnregisterBroker in all versions. */
export const unregisterBroker = api({
  key: 64,
  name: "UnregisterBroker",
  versions: "0",
  flexible: "0+",
  request: {
    brokerId: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
  },
});

/** A decoded UnregisterBroker request. */
export type UnregisterBrokerRequest = RequestOf<typeof unregisterBroker>;
/** An UnregisterBroker response to encode. */
export type UnregisterBrokerResponse = ResponseTo<typeof unregisterBroker>;
