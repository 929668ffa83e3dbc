/**
 * The headers in front of every request and response.
 *
 * The version of a header follows from the API and its version: flexible versions carry a tag
 * buffer. Two exceptions: the client id keeps its two-byte length even in a flexible header, and
 * the response to ApiVersions never has a tag buffer, since a client that asks does not yet know
 * what the broker speaks (KIP-511).
 *
 * @module
 */

import type { Reader } from "./reader.ts";
import type { Api } from "./schema.ts";
import { inRange } from "./version_range.ts";
import type { Writer } from "./writer.ts";

const API_VERSIONS_KEY = 18;

/** What stands in front of a request. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Chosen by the client; the response repeats it. */
  readonly correlationId: number;
  readonly clientId: string | null;
}

/**
 * Reads a request header up to its tag buffer, which only whoever knows the API can tell is there.
 *
 * @throws {MalformedMessageError} if the bytes do not form one.
 */
export function readRequestHeader(reader: Reader): RequestHeader {
  return {
    apiKey: reader.int16(),
    apiVersion: reader.int16(),
    correlationId: reader.int32(),
    clientId: reader.nullableString(),
  };
}

/** Reads the rest of a request header, which flexible versions have. */
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

/** Reads what follows a response's correlation id in its header. */
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
