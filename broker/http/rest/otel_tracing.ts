/**
 * OpenTelemetry's API, loaded only where it is switched on.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- works without an import map
import { context, propagation, trace } from "npm:@opentelemetry/api@1.10.0";
import type { TracingApi } from "../../../client/mod.ts";

/** What the client traces records with that are produced over HTTP. */
export const tracing: TracingApi = { context, propagation, trace };
