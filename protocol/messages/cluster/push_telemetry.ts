/**
 * PushTelemetry: pushes client metrics (KIP-714).
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
} from "../../schema/schema.ts";

/** Request and response of PushTelemetry in all versions. */
export const pushTelemetry = api({
  key: 72,
  name: "PushTelemetry",
  versions: "0",
  flexible: "0+",
  request: {
    clientInstanceId: uuid("0+"),
    subscriptionId: int32("0+"),
    /** Whether the client is terminating. */
    terminating: bool("0+"),
    compressionType: int8("0+"),
    /** OTLP MetricsData, version 1. */
    metrics: bytes("0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
  },
});

/** A decoded PushTelemetry request. */
export type PushTelemetryRequest = RequestOf<typeof pushTelemetry>;
/** A PushTelemetry response to encode. */
export type PushTelemetryResponse = ResponseTo<typeof pushTelemetry>;
