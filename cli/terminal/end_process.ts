/**
 * How the process ends.
 *
 * @module
 */

import type { Context } from "./context.ts";

/** Values of OTEL_DENO with which the runtime exports. */
const OTEL_ON: ReadonlySet<string> = new Set(["true", "1"]);
/** Most time for the process to end by itself. */
const LINGER_MS = 2000;

/** Whether the runtime exports metrics and spans by OpenTelemetry. */
export function exportsTelemetry({ env }: Pick<Context, "env">): boolean {
  return OTEL_ON.has(env("OTEL_DENO") ?? "");
}

/**
 * Ends the process.
 *
 * `Deno.exit()` has this thread wait until the last spans and metrics are exported. If metrics are due
 * meanwhile, the exporter first asks this thread for their values, and both would wait for each other
 * forever. A process that has nothing left to do ends, and is not asked.
 */
export function endProcess(code: number, context: Pick<Context, "env">): void {
  if (!exportsTelemetry(context)) Deno.exit(code);
  Deno.exitCode = code;
  Deno.unrefTimer(setTimeout(() => Deno.exit(code), LINGER_MS));
}
