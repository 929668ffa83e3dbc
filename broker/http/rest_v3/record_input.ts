/**
 * Records as clients of the REST API send them.
 *
 * @module
 */

import type { TopicMessage } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";
import { badRequest, bytesOfBase64, Fields, parseJson } from "../rest/fields.ts";
import { memberTexts } from "../rest/json_members.ts";
import { INTEGER, list, object, type Schema, STRING } from "../rest/route.ts";
import { ensureRecognized } from "../rest/unrecognized.ts";

/** The form of a key or value. */
type DataType = "BINARY" | "STRING" | "JSON";

/** A record to produce, and what its report says about key and value. */
export interface RecordInput {
  readonly message: TopicMessage;
  readonly key: DataReport | undefined;
  readonly value: DataReport | undefined;
}

/** The type and size of a key or value. */
export interface DataReport {
  readonly type: DataType;
  readonly size: number;
}

interface Data {
  readonly bytes: Uint8Array | null;
  readonly report: DataReport | undefined;
}

const ENCODER = new TextEncoder();
const NONE: Data = { bytes: null, report: undefined };
const NEED_A_REGISTRY: ReadonlySet<string> = new Set(["AVRO", "PROTOBUF", "JSONSCHEMA"]);
/** Fields that say which schema a key or value has. */
const OF_SCHEMAS = ["schema", "schema_id", "schema_version", "subject", "subject_name_strategy"];

/** The schema of a key or value. */
const DATA: Schema = object({
  type: STRING,
  data: {},
  ...Object.fromEntries(OF_SCHEMAS.map((name) => [name, {}])),
});

/** The schema of the fields of a record. */
export const RECORD_FIELDS: Readonly<Record<string, Schema>> = {
  partition_id: INTEGER,
  headers: list(object({ name: STRING, value: STRING }, ["name"])),
  key: DATA,
  value: DATA,
  timestamp: STRING,
};
const RECORD = object(RECORD_FIELDS);

/**
 * Reads a record from JSON.
 *
 * @throws {HttpError} 400 if it is not JSON, or not a record.
 */
export function parseRecord(text: string): RecordInput {
  const value = parseJson(text);
  const fields = new Fields(value, "The record");
  ensureRecognized(value, RECORD, 400);
  return recordFrom(fields, text);
}

/**
 * Reads a record.
 *
 * @param text The source of the object, for the digits of JSON numbers.
 * @throws {HttpError} 400 if it is not a record.
 */
export function recordFrom(fields: Fields, text: string): RecordInput {
  const partition = fields.integer("partition_id");
  if (partition !== undefined && partition < 0) {
    throw new HttpError(404, `There is no partition ${partition}`, { errorCode: 40402 });
  }
  const timestamp = timestampOf(fields);
  const key = dataOf(fields, "key", text);
  const value = dataOf(fields, "value", text);
  return {
    message: {
      key: key.bytes,
      value: value.bytes,
      headers: headersOf(fields),
      ...(partition === undefined ? {} : { partition }),
      ...(timestamp === undefined ? {} : { timestamp }),
    },
    key: key.report,
    value: value.report,
  };
}

function timestampOf(fields: Fields): number | undefined {
  const text = fields.string("timestamp");
  if (text === undefined) return undefined;
  const timestamp = Date.parse(text);
  if (Number.isNaN(timestamp)) {
    throw badRequest(`"timestamp" is not a time such as 2026-01-31T12:00:00Z`);
  }
  return timestamp;
}

function headersOf(fields: Fields): [string, Uint8Array | null][] {
  return (fields.objects("headers") ?? []).map((header) => {
    const value = header.string("value");
    const bytes = value === undefined ? null : bytesOfBase64(value, "The value of a header");
    return [header.requiredString("name"), bytes];
  });
}

function dataOf(fields: Fields, name: "key" | "value", text: string): Data {
  const given = fields.object(name);
  if (given === undefined) return NONE;
  const givenType = given.string("type");
  const type = givenType ?? "BINARY";
  const ofSchema = OF_SCHEMAS.find((field) => given.has(field));
  if (NEED_A_REGISTRY.has(type.toUpperCase()) || (givenType === undefined && ofSchema)) {
    const why = givenType === undefined ? `"${ofSchema}"` : `type ${type}`;
    throw new HttpError(
      422,
      `"${name}" has ${why}, which needs a schema registry, and there is none; types BINARY, STRING and ` +
        "JSON are possible",
      { errorCode: 42206 },
    );
  }
  if (ofSchema !== undefined) throw badRequest(`Type ${type} cannot be used with "${ofSchema}"`);
  if (!given.has("data")) return NONE;
  switch (type.toUpperCase()) {
    case "BINARY":
      return data("BINARY", bytesOfBase64(given.string("data")!, `"${name}"`));
    case "STRING":
      return data("STRING", ENCODER.encode(given.string("data")));
    case "JSON": {
      const source = memberTexts(memberTexts(text).get(name)!).get("data")!;
      return data("JSON", ENCODER.encode(source));
    }
    default:
      throw badRequest(`"${name}" has type ${type}; BINARY, STRING and JSON are possible`);
  }
}

function data(type: DataType, bytes: Uint8Array): Data {
  return { bytes, report: { type, size: bytes.length } };
}
