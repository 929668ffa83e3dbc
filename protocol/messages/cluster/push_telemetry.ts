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
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    /** Whether the client is terminating. */
    terminating: bool(),
    compressionType: int8(),
    /** OTLP MetricsData, version 1. */
    metrics: bytes(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
  },
});

/** A decoded PushTelemetry request. */
export type PushTelemetryRequest = RequestOf<typeof pushTelemetry>;
/** A PushTelemetry response to encode. */
export type PushTelemetryResponse = ResponseTo<typeof pushTelemetry>;
