/**
 * What `--output json` prints and `--input json` reads: one document for an answer, one object per
 * line for a stream.
 *
 * A record is an object:
 *
 *     {"topic":"orders","partition":0,"offset":7,"timestamp":1735600000123,
 *      "headers":[{"key":"trace","value":"abc"}],"key":"k","value_base64":"/w=="}
 *
 * Bytes that are UTF-8 stand as text under `key` and `value`, others under `key_base64` and
 * `value_base64`, null as null, and headers likewise in their order. So reading gives back what was
 * written, byte for byte.
 *
 * @module
 */

import type { ByteBuffer } from "../terminal/byte_buffer.ts";
import type { ByteSource } from "./byte_source.ts";
import { CommandError, messageOf } from "../errors.ts";
import { duplicateKey } from "../values/json_keys.ts";
import { isBlank, JsonScanner } from "./json_scanner.ts";
import type { Output } from "../terminal/output.ts";
import { parseStream } from "./parse_stream.ts";
import { emptyInputRecord, type InputRecord } from "./record.ts";
import type { OutputRecord, RecordHeader } from "./record.ts";
import { int64Text } from "../../protocol/int64.ts";
import { didYouMean } from "../../protocol/suggest.ts";
import { decodeExactly, encodeUtf8 } from "./utf8.ts";

/** What a reviver learns of the text of a value. */
interface Source {
  readonly source?: string;
}

/** A number as JSON with just these digits. */
const rawJson = (JSON as unknown as { rawJSON(text: string): Json }).rawJSON;

/** A value JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** What an input record may hold; the last one is read over, `produce` gives its own. */
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
/** JavaScript's strings end at 2^29 characters, and JSON is read as one. */
const MAX_RECORD_BYTES = 2 ** 29 - 64;
const NEWLINE = 0x0a;

/** Has an int64 beyond 2^53 written with digits that are one, as offsets that others have committed. */
function wholeNumber(_name: string, value: unknown): unknown {
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? rawJson(int64Text(value as number))
    : value;
}

/** Prints an answer as one indented document. */
export function writeJsonDocument(output: Output, document: Json): void {
  output.line(JSON.stringify(document, wholeNumber, 2));
}

/** Prints one object of a stream on its line. */
export function writeJsonLine(output: Output, value: Json): void {
  output.line(JSON.stringify(value, wholeNumber));
}

/** Appends a record as a line of JSON. */
export function appendJsonRecord(record: OutputRecord, buffer: ByteBuffer): void {
  buffer.text(JSON.stringify(recordToJson(record)));
  buffer.byte(NEWLINE);
}

/** A record as a JSON object, in the order people read it. */
export function recordToJson(record: OutputRecord): Json {
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: timestampToJson(record),
    headers: record.headers.map((header) => ({
      key: header.key,
      ...bytesToJson("value", header.value),
    })),
    ...bytesToJson("key", record.key),
    ...bytesToJson("value", record.value),
  };
}

/** The timestamp, of which JSON can hold all digits where a number cannot. */
function timestampToJson(record: OutputRecord): Json {
  const { timestamp } = record;
  if (Number.isSafeInteger(timestamp)) return timestamp;
  return rawJson(String(record.exactTimestamp ?? int64Text(timestamp)));
}

/**
 * The record a JSON object stands for.
 *
 * @throws {SyntaxError} if it stands for none; the message names the field
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
  // A tombstone deletes something; it takes more than a forgotten field.
  if (value === undefined) {
    throw new SyntaxError('it has neither "value" nor "value_base64" (null is a tombstone)');
  }
  record.value = value;
  return record;
}

/**
 * Reads JSON records from a stream, in batches of what each chunk completed. They may stand one per
 * line, as `consume` prints them, or over several lines.
 *
 * @throws {CommandError} after the records before it, where a record is wrong
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

/** A record's JSON, with its timestamp as a bigint where a number has not all its digits. */
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

/** @throws {SyntaxError} if an object has a key twice: it is unknown which one was meant */
function ensureKeysOnce(text: string): void {
  // Most records have each name once at all.
  if (!text.includes("\\u") && RECORD_FIELDS.every((name) => comesOnce(text, `"${name}"`))) return;
  const key = duplicateKey(text);
  if (key !== undefined) throw new SyntaxError(`it has "${key}" twice`);
}

function comesOnce(text: string, part: string): boolean {
  return text.indexOf(part) === text.lastIndexOf(part);
}

function tooLarge(count: number): CommandError {
  return new CommandError(
    `Cannot read record ${count} of the input: it has more than ${MAX_RECORD_BYTES} bytes`,
  );
}

function bytesToJson(name: string, bytes: Uint8Array | null): { [key: string]: Json } {
  if (bytes === null) return { [name]: null };
  const text = decodeExactly(bytes);
  return text === undefined ? { [`${name}_base64`]: bytes.toBase64() } : { [name]: text };
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
  throw new SyntaxError(`${what} is a JSON object, found ${JSON.stringify(json).slice(0, 32)}`);
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
  // Half of a surrogate pair has no bytes in UTF-8; encoding it would write something else.
  if (!value.isWellFormed()) throw new SyntaxError(`"${name}" has half of a surrogate pair`);
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
