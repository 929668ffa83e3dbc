/**
 * Exports a broker's metrics by OpenTelemetry.
 *
 * @module
 */

import { type Broker, partsOf } from "../broker.ts";
import { Health } from "./health.ts";
import { HttpCounters } from "./http_counters.ts";
import type { MetricsReader } from "./metrics/otel_export.ts";

/** Loaded when it is asked for; `deno task compile` includes them by name. */
const METRICS = "./metrics/mod.ts";
const EXPORT = "./metrics/otel_export.ts";

/** A broker whose metrics are exported. */
export interface ExportOptions {
  readonly broker: Broker;
  /** The program's version. */
  readonly version: string;
  /** Whether another broker of the same process exports the metrics of the process. Default: false. */
  readonly sharesProcess?: boolean;
}

/** Exports the metrics of a broker that serves no HTTP, until the result is disposed of. */
export async function exportMetrics(
  { broker, version, sharesProcess = false }: ExportOptions,
): Promise<Disposable> {
  const { MetricsPage }: typeof import("./metrics/mod.ts") = await import(METRICS);
  const parts = partsOf(broker);
  const page = new MetricsPage({
    parts,
    version,
    sharesProcess,
    health: new Health(parts),
    http: new HttpCounters(),
  });
  const exporting = await exportFrom(page, broker.nodeId, version);
  return {
    [Symbol.dispose]() {
      exporting[Symbol.dispose]();
      page.close();
    },
  };
}

/** Exports what a reader has. */
export async function exportFrom(
  reader: MetricsReader,
  nodeId: number,
  version: string,
): Promise<Disposable> {
  const { OtelExport }: typeof import("./metrics/otel_export.ts") = await import(EXPORT);
  return new OtelExport(reader, nodeId, version);
}
