/**
 * The HTTP port: metrics and health.
 *
 * `HttpServer` binds the port, `RequestGuard` decides which requests are let in, and `metrics/` makes the
 * text of `GET /metrics` when it is asked for. `Health` answers `GET /readyz`.
 *
 * @module
 */

export { type HttpOptions, HttpServer } from "./http_server.ts";
