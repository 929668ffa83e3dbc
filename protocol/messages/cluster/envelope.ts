/**
 * Envelope: carries a request from the broker that received it to the controller (KIP-590), or makes a
 * connection between brokers carry connections of clients.
 *
 * @module
 */

import {
  api,
  bool,
  bytes,
  int16,
  int64,
  type RequestOf,
  type ResponseTo,
} from "../../schema/schema.ts";

/** Request and response of Envelope in all versions. */
export const envelope = api({
  key: 58,
  name: "Envelope",
  versions: "0",
  flexible: "0+",
  request: {
    /** The request, with its header and without its size. */
    requestData: bytes("0+"),
    /** The client's principal; null where clients have none. */
    requestPrincipal: bytes("0+", { nullable: "0+" }),
    /** The client's address. */
    clientHostAddress: bytes("0+"),
    /**
     * The controller epoch in which the request may be handled; 0 for any. Not in Kafka, whose
     * brokers skip it.
     */
    controllerEpoch: int64("0+", { tag: 10_000, default: 0 }),
    /**
     * Whether the connection carries connections of clients from the next frame on, instead of this
     * request, which is empty. Not in Kafka, whose brokers skip it.
     */
    carriesConnections: bool("0+", { tag: 10_001, default: false }),
  },
  response: {
    /** The response, with its header and without its size; null if there is an error instead. */
    responseData: bytes("0+", { nullable: "0+", default: null }),
    /** Why the request was not handled. */
    errorCode: int16("0+"),
    /**
     * The revision of the metadata that holds all that the request changed. Not in Kafka, whose brokers
     * skip it.
     */
    revision: int64("0+", { tag: 10_000, default: 0 }),
  },
});

/** A decoded Envelope request. */
export type EnvelopeRequest = RequestOf<typeof envelope>;
/** An Envelope response to encode. */
export type EnvelopeResponse = ResponseTo<typeof envelope>;
