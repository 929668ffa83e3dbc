/**
 * Traces with OpenTelemetry.
 *
 * `Tracing` begins spans and keeps their context in headers. It reaches OpenTelemetry by what
 * `tracing_api.ts` describes, which programs give the client.
 *
 * @module
 */

export type {
  CarrierReader,
  SpanAttributes,
  TraceContext,
  Tracer,
  TraceSpan,
  TracingApi,
} from "./tracing_api.ts";
