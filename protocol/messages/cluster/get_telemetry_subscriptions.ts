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
    clientInstanceId: uuid(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    /** Compression types by their numbers, the preferred one first. */
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    /** Prefixes of metric names; empty for no metrics, one empty string for all. */
    requestedMetrics: array(string()),
  },
});

/** A decoded GetTelemetrySubscriptions request. */
export type GetTelemetrySubscriptionsRequest = RequestOf<typeof getTelemetrySubscriptions>;
/** A GetTelemetrySubscriptions response to encode. */
export type GetTelemetrySubscriptionsResponse = ResponseTo<typeof getTelemetrySubscriptions>;
