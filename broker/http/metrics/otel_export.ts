/**
 * Exports the metrics of `GET /metrics` by OpenTelemetry, through the runtime, which sends them where the
 * variables `OTEL_EXPORTER_OTLP_…` say.
 *
 * It has observable instruments alone: numbers are read when the runtime exports, and counting costs what
 * it costs without. Names are those of `GET /metrics`, so that its dashboards and alerts can be used. A
 * histogram is three counters, as its series are there: `…_bucket` with the attribute `le`, `…_sum` and
 * `…_count`.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- works without an import map
import { type Attributes, metrics as api, type Observable } from "npm:@opentelemetry/api@1.10.0";
import type { DurationHistogram } from "../../metrics/histogram.ts";
import { bucketsOf } from "./exposition.ts";
import type { Metric } from "./metric.ts";
import { METRICS } from "./metric_names.ts";
import type { MetricSink } from "./metric_sink.ts";

const SCOPE = "dqueue";
/** Most texts of labels whose attributes are kept between exports. */
const MAX_KNOWN = 50_000;
/** Most series of an export. */
const MAX_SERIES = 20_000;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads the metrics. */
export interface MetricsReader {
  /** Gives a sink all series. */
  collect(sink: MetricSink): Promise<void>;
}

/** Observes a value of an instrument. */
type Observe = (instrument: Observable, value: number, attributes: Attributes) => void;

/** Exports until it is closed. */
export class OtelExport implements Disposable {
  readonly #reader: MetricsReader;
  readonly #broker: string;
  readonly #instruments: ReadonlyMap<string, Observable>;
  readonly #attributes: Map<string, Attributes> = new Map();
  readonly #stop: () => void;

  /** @param nodeId The broker, which each series names: a process may have several. */
  constructor(reader: MetricsReader, nodeId: number, version: string) {
    this.#reader = reader;
    this.#broker = String(nodeId);
    const meter = api.getMeter(SCOPE, version);
    const instruments = new Map<string, Observable>();
    for (const { name, type, help } of Object.values<Metric>(METRICS)) {
      const options = { description: help, unit: unitOf(name) };
      if (type === "histogram") {
        for (const [suffix, unit] of [["bucket", "1"], ["sum", "s"], ["count", "1"]] as const) {
          const part = `${name}_${suffix}`;
          instruments.set(part, meter.createObservableCounter(part, { ...options, unit }));
        }
      } else if (type === "counter") {
        instruments.set(name, meter.createObservableCounter(name, options));
      } else instruments.set(name, meter.createObservableGauge(name, options));
    }
    this.#instruments = instruments;
    const all = [...instruments.values()];
    const callback = async (result: { observe: Observe }) => {
      try {
        await this.#reader.collect(this.#sink(result.observe.bind(result)));
      } catch {
        // What was observed until then is exported. The runtime would end the process, or wait forever.
      }
    };
    meter.addBatchObservableCallback(callback, all);
    this.#stop = () => meter.removeBatchObservableCallback(callback, all);
  }

  /** Stops exporting. */
  [Symbol.dispose](): void {
    this.#stop();
  }

  #sink(observe: Observe): MetricSink {
    let left = MAX_SERIES;
    const add = (name: string, labels: string, value: number, more?: Attributes) => {
      left--;
      const attributes = this.#attributesOf(labels);
      observe(
        this.#instruments.get(name)!,
        value,
        more === undefined ? attributes : { ...attributes, ...more },
      );
    };
    return {
      hasRoomFor: (count) => count <= left,
      drop() {},
      add: ({ name }, labels, value) => {
        if (left > 0) add(name, labels, value);
      },
      addHistogram: ({ name }, labels, histogram: DurationHistogram) => {
        const buckets = bucketsOf(histogram);
        if (left < buckets.length + 2) return;
        for (const [le, count] of buckets) add(`${name}_bucket`, labels, count, { le });
        add(`${name}_sum`, labels, histogram.sumMs / 1000);
        add(`${name}_count`, labels, histogram.count);
      },
    };
  }

  #attributesOf(labels: string): Attributes {
    let attributes = this.#attributes.get(labels);
    if (attributes !== undefined) return attributes;
    attributes = { broker: this.#broker };
    for (const [, name, text] of labels.matchAll(LABEL)) {
      attributes[name!] = text!.replaceAll(
        /\\(.)/g,
        (_, character) => character === "n" ? "\n" : character,
      );
    }
    if (this.#attributes.size >= MAX_KNOWN) this.#attributes.clear();
    this.#attributes.set(labels, attributes);
    return attributes;
  }
}

/** The unit that a name ends with, as OpenTelemetry writes it. */
function unitOf(name: string): string {
  const plain = name.replace(/_total$/, "");
  if (plain.endsWith("_seconds")) return "s";
  return plain.endsWith("_bytes") ? "By" : "1";
}
