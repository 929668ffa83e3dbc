/**
 * Metrics that clients push about themselves (KIP-714).
 *
 * Operators say which, from which clients and how often with resources of type `client-metrics`
 * (`kafka-client-metrics`). `subscription.ts` finds what applies to a client, `otlp_metrics.ts` reads what
 * it pushes, and `ClientTelemetry` keeps it. `GET /metrics` and the console show it.
 *
 * @module
 */

export {
  type ClientMetric,
  type ClientSoftware,
  ClientTelemetry,
  type TelemetryClient,
} from "./client_telemetry.ts";
