/**
 * GetTelemetrySubscriptions: the client metrics that a client should push (KIP-714).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
  uuid,
} from "../../schema/schema.ts";

/** Request and response of GetTelemetrySubscriptions in all versions. */
export const getTelemetrySubscriptions = api({
  key: 71,
  name: "GetTelemetrySubscriptions",
  versions: "0",
  flexible: "0+",
  request: {
    /** The id previously assigned to the client, zero for none. */
    clientInstanceId: uuid("0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    clientInstanceId: uuid("0+"),
    subscriptionId: int32("0+"),
    /** Compression types by their numbers, the preferred one first. */
    acceptedCompressionTypes: array(int8("0+"), "0+"),
    pushIntervalMs: int32("0+"),
    telemetryMaxBytes: int32("0+"),
    deltaTemporality: bool("0+"),
    /** Prefixes of metric names; empty for no metrics, one empty string for all. */
    requestedMetrics: array(string("0+"), "0+"),
  },
});

/** A decoded GetTelemetrySubscriptions request. */
export type GetTelemetrySubscriptionsRequest = RequestOf<typeof getTelemetrySubscriptions>;
/** A GetTelemetrySubscriptions response to encode. */
export type GetTelemetrySubscriptionsResponse = ResponseTo<typeof getTelemetrySubscriptions>;
