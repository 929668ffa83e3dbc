/**
 * The HTTP port: metrics, health, REST APIs, and a console.
 *
 * `HttpServer` binds the port, `RequestGuard` decides which requests are let in, and `metrics/` makes the
 * text of `GET /metrics` when it is asked for. `Health` answers `GET /readyz`. Everything else is in
 * `rest/`, which is loaded with the first request for it: routes are data, from which the router and the
 * OpenAPI document are made. `rest_v3/` has those of Confluent's REST API, version 3, `rest_v2/` those of
 * version 2, and `stream/` has topics as Server-Sent Events and over WebSocket. Handlers are
 * clients of the cluster, through a connection within the process. `console/` serves web pages that use all
 * of it.
 *
 * @module
 */

export { bindProblem } from "./bind_problem.ts";
export { exportMetrics } from "./export_metrics.ts";
export { type HttpOptions, HttpServer, type HttpSettings } from "./http_server.ts";
