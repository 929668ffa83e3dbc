/**
 * Writes metrics in OpenTelemetry's protobuf format, for tests.
 *
 * @module
 */

/** A metric with its data points. */
export interface SampleMetric {
  readonly name: string;
  readonly gauge?: readonly number[];
  readonly delta?: readonly number[];
  readonly cumulative?: readonly number[];
  /** A sum that may also fall. */
  readonly upDown?: readonly number[];
}

const ENCODER = new TextEncoder();

/** The bytes of a push. */
export function otlpMetrics(metrics: readonly SampleMetric[]): Uint8Array {
  const scope = metrics.flatMap((metric) => field(2, metricOf(metric)));
  const scopeMetrics = field(2, [
    ...field(1, [...field(1, [...ENCODER.encode("scope")])]),
    ...scope,
  ]);
  const resource = field(1, field(1, field(1, [...ENCODER.encode("service.name")])));
  return Uint8Array.from(field(1, [...resource, ...scopeMetrics]));
}

function metricOf({ name, gauge, delta, cumulative, upDown }: SampleMetric): number[] {
  const points = gauge ?? delta ?? cumulative ?? upDown ?? [];
  const data = points.flatMap((value, i) => field(1, pointOf(value, i % 2 === 1)));
  const text = field(1, [...ENCODER.encode(name)]);
  const unit = field(3, [...ENCODER.encode("1")]);
  if (gauge !== undefined) return [...text, ...unit, ...field(5, data)];
  const temporality = delta !== undefined ? 1 : 2;
  const isMonotonic = upDown === undefined ? 1 : 0;
  return [...text, ...unit, ...field(7, [...data, 2 * 8, temporality, 3 * 8, isMonotonic])];
}

/** A data point, with its time, a double or a whole number, and an attribute. */
function pointOf(value: number, isInteger: boolean): number[] {
  const view = new DataView(new ArrayBuffer(8));
  const whole = isInteger && Number.isInteger(value);
  if (whole) view.setBigInt64(0, BigInt(value), true);
  else view.setFloat64(0, value, true);
  const attribute = field(7, field(1, [...ENCODER.encode("topic")]));
  const time = [3 * 8 + 1, 1, 2, 3, 4, 5, 6, 7, 8];
  return [...time, ...attribute, (whole ? 6 : 4) * 8 + 1, ...new Uint8Array(view.buffer)];
}

function field(number: number, bytes: readonly number[]): number[] {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) length.push((rest % 128) | 0x80);
  return [number * 8 + 2, ...length, rest, ...bytes];
}
