/**
 * The media types of Confluent's REST API, version 2, and how records look in them.
 *
 * @module
 */

import type { Message } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";

/** How keys and values are written: as base64, or as JSON. */
export type RecordFormat = "binary" | "json";

const CONTROL = "application/vnd.kafka.v2+json";
const TYPES: Readonly<Record<RecordFormat, string>> = {
  binary: "application/vnd.kafka.binary.v2+json",
  json: "application/vnd.kafka.json.v2+json",
};
const PLAIN = "application/json";
/** Formats that need a schema registry. */
const WITH_SCHEMA = /^application\/vnd\.kafka\.(avro|protobuf|jsonschema)\.v2\+json$/;

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An answer about something else than records. */
export function controlResponse(request: Request, body: unknown, status = 200): Response {
  const accepted = acceptedTypes(request);
  const type = accepted.includes(CONTROL) || !accepted.includes(PLAIN) ? CONTROL : PLAIN;
  return new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
}

/** An answer without a body. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}

/**
 * The format of the records in a request.
 *
 * @throws {HttpError} 415 if it is none that is possible.
 */
export function formatOfBody(request: Request): RecordFormat {
  const type = mediaTypeOf(request.headers.get("content-type") ?? "");
  if (type === TYPES.binary) return "binary";
  if (type === TYPES.json || type === PLAIN) return "json";
  throw new HttpError(415, `Content type "${type}" is not possible: ${whyNot(type)}`);
}

/**
 * The format that a client wants records in.
 *
 * @param own The format of its consumer, if it has one; another cannot be had then.
 * @throws {HttpError} 406 if it wants another.
 */
export function formatOfAnswer(request: Request, own?: RecordFormat): RecordFormat {
  const accepted = acceptedTypes(request);
  for (const type of accepted) {
    if (type === "*/*" || type === "application/*" || type === PLAIN || type === CONTROL) {
      return own ?? "binary";
    }
    const format = type === TYPES.json ? "json" : type === TYPES.binary ? "binary" : undefined;
    if (format !== undefined && (own === undefined || own === format)) return format;
  }
  const reason = own === undefined
    ? whyNot(accepted[0]!)
    : `the consumer was created with format ${own}`;
  throw new HttpError(406, `"${accepted.join(", ")}" is not possible: ${reason}`, {
    errorCode: 40601,
  });
}

/** An answer with records. */
export function recordsResponse(texts: readonly string[], format: RecordFormat): Response {
  return new Response(`[${texts.join(",")}]`, { headers: { "content-type": TYPES[format] } });
}

/** What a record has besides topic, key, value, partition and offset. */
export interface Extras {
  readonly headers: boolean;
  readonly timestamp: boolean;
}

/** The extras that a query asks for: `include=headers,timestamp`. */
export function extrasOf(include: string | undefined): Extras {
  const names = new Set(include?.split(","));
  return { headers: names.has("headers"), timestamp: names.has("timestamp") };
}

/**
 * A record as text.
 *
 * @throws {HttpError} 422 if it is to be JSON, and is not.
 */
export function recordText(message: Message, format: RecordFormat, extras: Extras): string {
  const { topic, partition, offset, key, value } = message;
  const place = `${topic}-${partition} at offset ${offset}`;
  const text = (bytes: Uint8Array | null) => dataText(bytes, format, place);
  const more: string[] = [];
  if (extras.headers) {
    const headers = Array.from(message.headers, ([name, bytes]) => ({
      name,
      value: bytes?.toBase64() ?? null,
    }));
    more.push(`,"headers":${JSON.stringify(headers)}`);
  }
  if (extras.timestamp) more.push(`,"timestamp":${message.timestamp}`);
  return `{"topic":${JSON.stringify(topic)},"key":${text(key)},"value":${text(value)},` +
    `"partition":${partition},"offset":${offset}${more.join("")}}`;
}

function dataText(bytes: Uint8Array | null, format: RecordFormat, place: string): string {
  if (bytes === null) return "null";
  if (format === "binary") return `"${bytes.toBase64()}"`;
  try {
    const text = DECODER.decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    throw new HttpError(
      422,
      `The record of ${place} is not JSON; read it with format binary, or seek after it`,
      { errorCode: 42203 },
    );
  }
}

function acceptedTypes(request: Request): string[] {
  return (request.headers.get("accept") ?? "*/*").split(",").map(mediaTypeOf);
}

function mediaTypeOf(text: string): string {
  return text.split(";")[0]!.trim().toLowerCase();
}

function whyNot(type: string): string {
  return WITH_SCHEMA.test(type)
    ? "it needs a schema registry, and there is none"
    : `${TYPES.binary} and ${TYPES.json} are`;
}
