/**
 * Reads metrics in OpenTelemetry's protobuf format, as clients push them (KIP-714): numbers by name. What a
 * push may hold is bounded, and attributes are not kept.
 *
 * @module
 */

/** A number that a client pushed. */
export interface PushedMetric {
  readonly name: string;
  readonly value: number;
  /** A gauge, what was added since the last push, or a sum since the client's start. */
  readonly kind: "gauge" | "delta" | "cumulative";
}

/** A push cannot be read. */
export class OtlpError extends Error {
  override name = "OtlpError";
}

/** Most data points of a push. */
const MAX_POINTS = 10_000;
const MAX_NAME_LENGTH = 255;
const DECODER = new TextDecoder("utf-8", { fatal: true });

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Numbers of fields, by OpenTelemetry's names. */
const RESOURCE_METRICS = 1;
const SCOPE_METRICS = 2;
const METRICS = 2;
const NAME = 1;
const GAUGE = 5;
const SUM = 7;
const DATA_POINTS = 1;
const TEMPORALITY = 2;
const IS_MONOTONIC = 3;
const AS_DOUBLE = 4;
const AS_INT = 6;
const DELTA = 1;

/** A field of a message: its number, and its value in the form that its wire type has. */
interface Field {
  readonly number: number;
  /** Of a varint; 0 otherwise. */
  readonly integer: number;
  /** Of what is not a varint; empty otherwise. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/**
 * Reads a push. Histograms and other kinds are left out, as are names that are too long.
 *
 * @throws {OtlpError} If it is malformed, or has too many data points.
 */
export function readOtlpMetrics(bytes: Uint8Array): PushedMetric[] {
  const metrics: PushedMetric[] = [];
  for (const resource of fields(bytes)) {
    if (resource.number !== RESOURCE_METRICS) continue;
    for (const scope of fields(resource.bytes)) {
      if (scope.number !== SCOPE_METRICS) continue;
      for (const metric of fields(scope.bytes)) {
        if (metric.number === METRICS) readMetric(metric.bytes, metrics);
      }
    }
  }
  return metrics;
}

function readMetric(bytes: Uint8Array, metrics: PushedMetric[]): void {
  let name = "";
  let data: Field | undefined;
  for (const field of fields(bytes)) {
    if (field.number === NAME) name = textOf(field.bytes);
    else if (field.number === GAUGE || field.number === SUM) data = field;
  }
  if (data === undefined || name === "" || name.length > MAX_NAME_LENGTH) return;
  let temporality = 0;
  let isMonotonic = false;
  const values: number[] = [];
  for (const field of fields(data.bytes)) {
    if (field.number === DATA_POINTS) {
      const value = readPoint(field.bytes);
      if (value !== undefined) values.push(value);
    } else if (field.number === TEMPORALITY) temporality = field.integer;
    else if (field.number === IS_MONOTONIC) isMonotonic = field.integer !== 0;
  }
  const isSum = data.number === SUM && isMonotonic;
  const kind = !isSum ? "gauge" : temporality === DELTA ? "delta" : "cumulative";
  if (metrics.length + values.length > MAX_POINTS) throw new OtlpError("There are too many points");
  // Points of one metric differ by attributes, such as the topic: sums add up, and of gauges the largest counts.
  if (values.length === 0) return;
  const value = isSum
    ? values.reduce((sum, one) => sum + one)
    : values.reduce((a, b) => a > b ? a : b);
  metrics.push({ name, value, kind });
}

/** The number of a data point; undefined if it has none. */
function readPoint(bytes: Uint8Array): number | undefined {
  let value: number | undefined;
  for (const { number, bytes: raw } of fields(bytes)) {
    if (raw.length !== 8) continue;
    const view = new DataView(raw.buffer, raw.byteOffset, 8);
    if (number === AS_DOUBLE) value = view.getFloat64(0, true);
    else if (number === AS_INT) value = Number(view.getBigInt64(0, true));
  }
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** The fields of a message. */
function* fields(bytes: Uint8Array): Generator<Field, void> {
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const key = varint(reader);
    const number = Math.floor(key / 8);
    switch (key % 8) {
      case VARINT:
        yield { number, integer: varint(reader), bytes: NOTHING };
        break;
      case FIXED64:
        yield { number, integer: 0, bytes: take(reader, 8) };
        break;
      case BYTES:
        yield { number, integer: 0, bytes: take(reader, varint(reader)) };
        break;
      case FIXED32:
        yield { number, integer: 0, bytes: take(reader, 4) };
        break;
      default:
        throw new OtlpError(`There is no wire type ${key % 8}`);
    }
  }
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

/** A varint of up to 64 bits; large ones lose precision, and are not needed. */
function varint(reader: Reader): number {
  let value = 0;
  for (let factor = 1, i = 0; i < 10; factor *= 128, i++) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
  throw new OtlpError("A number does not end");
}

function take(reader: Reader, length: number): Uint8Array {
  const { bytes, at } = reader;
  if (!(length <= bytes.length - at)) throw new OtlpError("A field is longer than its message");
  reader.at += length;
  return bytes.subarray(at, at + length);
}

function textOf(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new OtlpError("A name is not UTF-8");
  }
}
