/**
 * PushTelemetry: metrics of a client (KIP-714).
 *
 * @module
 */

import {
  api,
  bool,
  bytes,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  uuid,
} from "../schema.ts";

/** Request and response of PushTelemetry in all versions. */
export const pushTelemetry = api({
  key: 72,
  name: "PushTelemetry",
  versions: "0",
  flexible: "0+",
  request: {
    clientInstanceId: uuid("0+"),
    subscriptionId: int32("0+"),
    /** Whether the client is about to close. */
    terminating: bool("0+"),
    compressionType: int8("0+"),
    /** OTLP MetricsData in version 1 of its format. */
    metrics: bytes("0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
  },
});

/** A PushTelemetry request as a handler gets it. */
export type PushTelemetryRequest = RequestOf<typeof pushTelemetry>;
/** A PushTelemetry response as a handler gives it. */
export type PushTelemetryResponse = ResponseTo<typeof pushTelemetry>;
