/**
 * The headers that precede every request and response.
 *
 * The version of a header depends on the API and its version: flexible versions have a tag buffer.
 * There are two exceptions: the client id keeps its two-byte length even in a flexible header, and
 * the response to ApiVersions never has a tag buffer, since the client does not yet know which
 * versions the broker supports (KIP-511).
 *
 * @module
 */

import type { Reader } from "../primitives/reader.ts";
import type { Api } from "../schema/schema.ts";
import { inRange } from "../schema/version_range.ts";
import type { Writer } from "../primitives/writer.ts";

const API_VERSIONS_KEY = 18;

/** Header of a request. */
export interface RequestHeader {
  /** Key of the API. */
  readonly apiKey: number;
  /** Version of the request. */
  readonly apiVersion: number;
  /** Chosen by the client; the response repeats it. */
  readonly correlationId: number;
  /** Name that the client gives itself, for logs and quotas. */
  readonly clientId: string | null;
}

/**
 * Reads a request header up to its tag buffer, whose presence depends on the API.
 *
 * @throws {MalformedMessageError} if the bytes are not a request header.
 */
export function readRequestHeader(reader: Reader): RequestHeader {
  return {
    apiKey: reader.int16(),
    apiVersion: reader.int16(),
    correlationId: reader.int32(),
    clientId: reader.nullableString(),
  };
}

/** Reads the tag buffer of a request header, present in flexible versions. */
export function readRequestHeaderTags(reader: Reader, api: Api, version: number): void {
  if (inRange(version, api.request.flexible)) reader.skipTags();
}

/** Writes a request header. */
export function writeRequestHeader(writer: Writer, api: Api, header: RequestHeader): void {
  writer.int16(header.apiKey);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  writer.nullableString(header.clientId);
  if (inRange(header.apiVersion, api.request.flexible)) writer.uvarint(0);
}

/** Reads the part of a response header after the correlation id. */
export function readResponseHeaderTags(reader: Reader, api: Api, version: number): void {
  if (hasResponseTags(api, version)) reader.skipTags();
}

/** Writes a response header. */
export function writeResponseHeader(
  writer: Writer,
  api: Api,
  version: number,
  correlationId: number,
): void {
  writer.int32(correlationId);
  if (hasResponseTags(api, version)) writer.uvarint(0);
}

function hasResponseTags(api: Api, version: number): boolean {
  return api.key !== API_VERSIONS_KEY && inRange(version, api.response.flexible);
}
