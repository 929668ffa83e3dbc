/**
 * The format of `--output json` and `--input json`: one document for a result, one object per line
 * for a stream.
 *
 * A record is an object:
 *
 *     {"topic":"orders","partition":0,"offset":7,"timestamp":1735600000123,
 *      "headers":[{"key":"trace","value":"abc"}],"key":"k","value_base64":"/w=="}
 *
 * Bytes that are valid UTF-8 are text in `key` and `value`, others are in `key_base64` and
 * `value_base64`, null is null, and the same applies to headers, in order. Reading therefore
 * restores the bytes exactly.
 *
 * @module
 */

import type { ByteBuffer } from "../terminal/byte_buffer.ts";
import type { ByteSource } from "./byte_source.ts";
import { CommandError, messageOf } from "../errors.ts";
import { duplicateKey } from "../values/json_keys.ts";
import { isBlank, JsonScanner } from "../../protocol/json_scanner.ts";
import type { Output } from "../terminal/output.ts";
import { parseStream } from "./parse_stream.ts";
import { emptyInputRecord, type InputRecord } from "./record.ts";
import type { OutputRecord, RecordHeader } from "./record.ts";
import { type Json, rawJson, recordToJson } from "../../client/text/record_json.ts";
import { int64Text } from "../../protocol/primitives/int64.ts";
import { didYouMean } from "../../protocol/suggest.ts";
import { decodeExactly, encodeUtf8 } from "../../client/text/utf8.ts";

/** The text of a value, passed to a reviver. */
interface Source {
  readonly source?: string;
}

export { type Json, recordToJson };

/** Fields of an input record; the last one is ignored, because `produce` assigns offsets. */
const RECORD_FIELDS = [
  "topic",
  "partition",
  "timestamp",
  "headers",
  "key",
  "key_base64",
  "value",
  "value_base64",
  "offset",
];
const HEADER_FIELDS = ["key", "value", "value_base64"];
const MAX_PARTITION = 2 ** 31 - 1;
/** Strings are limited to 2^29 characters, and a record is parsed as one string. */
const MAX_RECORD_BYTES = 2 ** 29 - 64;
const NEWLINE = 0x0a;

/**
 * Writes an int64 above 2^53 with the digits of an integer; committed offsets may have such values.
 */
function wholeNumber(_name: string, value: unknown): unknown {
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? rawJson(int64Text(value as number))
    : value;
}

/** Prints a result as one indented document. */
export function writeJsonDocument(output: Output, document: Json): void {
  output.line(JSON.stringify(document, wholeNumber, 2));
}

/** Prints one object of a stream on a line. */
export function writeJsonLine(output: Output, value: Json): void {
  output.line(JSON.stringify(value, wholeNumber));
}

/** Appends a record as a line of JSON. */
export function appendJsonRecord(record: OutputRecord, buffer: ByteBuffer): void {
  buffer.text(JSON.stringify(recordToJson(record)));
  buffer.byte(NEWLINE);
}

/**
 * Converts a JSON object to a record.
 *
 * @throws {SyntaxError} If it is not a record; the message names the field.
 */
export function recordFromJson(json: unknown): InputRecord {
  const object = asObject(json, "a record");
  ensureFields(object, RECORD_FIELDS, "a record");
  const record = emptyInputRecord();
  record.topic = optional(object, "topic", asText);
  record.partition = optional(object, "partition", (value, name) => {
    return asInteger(value, name, 0, MAX_PARTITION);
  });
  record.timestamp = optional(object, "timestamp", asTimestamp);
  record.headers = optional(object, "headers", headersFromJson) ?? [];
  record.key = bytesFromJson(object, "key") ?? null;
  const value = bytesFromJson(object, "value");
  // A tombstone deletes data, so a missing field is not one.
  if (value === undefined) {
    throw new SyntaxError('it has neither "value" nor "value_base64" (null for a tombstone)');
  }
  record.value = value;
  return record;
}

/**
 * Reads JSON records from a stream, in batches of the records completed by each chunk. Records may
 * be on one line each, as `consume` prints them, or span lines.
 *
 * @throws {CommandError} After the records before it, if a record is invalid.
 */
export function readJsonRecords(
  stream: ReadableStream<Uint8Array>,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<InputRecord[], void, void> {
  return parseStream(stream, options, parseJsonRecords);
}

function* parseJsonRecords(source: ByteSource): Generator<InputRecord | undefined, void, void> {
  for (let count = 1;; count++) {
    const scanner = new JsonScanner();
    let size: number | undefined;
    for (;;) {
      size = scanner.scan(source.peek(source.available), source.isEnded);
      if (size !== undefined || source.isEnded) break;
      if (source.available > MAX_RECORD_BYTES) throw tooLarge(count);
      yield;
    }
    if (size === undefined && source.peek(source.available).every(isBlank)) return;
    yield readJsonRecord(source.take(size ?? source.available), count);
  }
}

function readJsonRecord(bytes: Uint8Array, count: number): InputRecord {
  try {
    const text = decodeExactly(bytes);
    if (text === undefined) throw new SyntaxError("it is not UTF-8");
    const json = parseExactly(text);
    ensureKeysOnce(text);
    return recordFromJson(json);
  } catch (error) {
    const message = `Cannot read record ${count} of the input: ${messageOf(error)}`;
    throw new CommandError(message, { cause: error });
  }
}

/** Parses a record, with its timestamp as a bigint where a number is not exact. */
function parseExactly(text: string): unknown {
  const json = JSON.parse(text);
  const timestamp = json?.timestamp;
  if (typeof timestamp !== "number" || Number.isSafeInteger(timestamp)) return json;
  const exact = JSON.parse(
    text,
    function (this: unknown, name, value, context?: Source) {
      const isWhole = /^-?\d+$/.test(context?.source ?? "");
      return name === "timestamp" && isWhole ? BigInt(context!.source!) : value;
    } as (name: string, value: unknown) => unknown,
  );
  return { ...json, timestamp: exact.timestamp };
}

/** @throws {SyntaxError} If an object has a key twice: the intended value is unknown. */
function ensureKeysOnce(text: string): void {
  // Most records contain each name only once.
  if (!text.includes("\\u") && RECORD_FIELDS.every((name) => comesOnce(text, `"${name}"`))) return;
  const key = duplicateKey(text);
  if (key !== undefined) throw new SyntaxError(`it contains "${key}" twice`);
}

function comesOnce(text: string, part: string): boolean {
  return text.indexOf(part) === text.lastIndexOf(part);
}

function tooLarge(count: number): CommandError {
  return new CommandError(
    `Cannot read record ${count} of the input: it has more than ${MAX_RECORD_BYTES} bytes`,
  );
}

/** Bytes under `name` or `name_base64`; undefined if there are neither. */
function bytesFromJson(object: JsonObject, name: string): Uint8Array | null | undefined {
  const text = object[name];
  const base64 = object[`${name}_base64`];
  if (base64 === undefined) {
    return text === undefined ? undefined : text === null ? null : encodeUtf8(asText(text, name));
  }
  if (text !== undefined) throw new SyntaxError(`it has both "${name}" and "${name}_base64"`);
  const encoded = asText(base64, `${name}_base64`);
  try {
    return Uint8Array.fromBase64(encoded);
  } catch (error) {
    throw new SyntaxError(`"${name}_base64" is not base64`, { cause: error });
  }
}

function headersFromJson(json: unknown): RecordHeader[] {
  if (!Array.isArray(json)) throw new SyntaxError('"headers" is not an array');
  return json.map((each) => {
    const header = asObject(each, "a header");
    ensureFields(header, HEADER_FIELDS, "a header");
    const value = bytesFromJson(header, "value");
    if (value === undefined) {
      throw new SyntaxError('a header has neither "value" nor "value_base64"');
    }
    return { key: asText(header.key, "key"), value };
  });
}

interface JsonObject {
  readonly [key: string]: unknown;
}

function asObject(json: unknown, what: string): JsonObject {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as JsonObject;
  throw new SyntaxError(
    `${what} must be a JSON object, found ${JSON.stringify(json).slice(0, 32)}`,
  );
}

function ensureFields(object: JsonObject, known: readonly string[], what: string): void {
  for (const name of Object.keys(object)) {
    if (!known.includes(name)) {
      throw new SyntaxError(`${what} has no field "${name}"${didYouMean(name, known)}`);
    }
  }
}

function optional<T>(
  object: JsonObject,
  name: string,
  read: (value: unknown, name: string) => T,
): T | undefined {
  const value = object[name];
  return value === undefined || value === null ? undefined : read(value, name);
}

function asText(value: unknown, name: string): string {
  if (typeof value !== "string") throw new SyntaxError(`"${name}" is not a string`);
  // A lone surrogate has no UTF-8 encoding; encoding it would write something else.
  if (!value.isWellFormed()) throw new SyntaxError(`"${name}" has a lone surrogate`);
  return value;
}

function asTimestamp(value: unknown, name: string): number | bigint {
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  const timestamp = value as number | bigint;
  if (isWhole && timestamp >= -1 && timestamp < 2n ** 63n) return timestamp;
  throw new SyntaxError(`"${name}" is not a whole number from -1 to below 2^63`);
}

function asInteger(value: unknown, name: string, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw new SyntaxError(`"${name}" is not a whole number between ${min} and ${max}`);
}
