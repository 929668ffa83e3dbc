/**
 * Requests of APIs that this broker does not serve.
 *
 * They are not advertised, so that clients name them without a question. One that asks all the same
 * is answered with UNSUPPORTED_VERSION in the API's own form, where that has a place for an error of
 * the whole request. Where it has none the connection is closed, as Kafka does with all of them.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { Api, Field, Fields, ResponseTo } from "../../protocol/schema.ts";
import { NO_VERSIONS } from "../../protocol/version_range.ts";
import { type ApiHandler, handler } from "../handler.ts";

/** A handler that refuses every request of an API; undefined if its response cannot say so. */
export function unservedHandler(api: Api): ApiHandler | undefined {
  const { fields } = api.response;
  if (fields["errorCode"]?.type !== "int16") return undefined;
  const response = emptyStruct(fields);
  response["errorCode"] = ErrorCode.UNSUPPORTED_VERSION;
  if ("errorMessage" in fields) {
    response["errorMessage"] = `This broker does not serve ${api.name} (API key ${api.key})`;
  }
  return handler(api, () => response as ResponseTo<Api>, NO_VERSIONS);
}

function emptyStruct(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, emptyValue(field)]),
  );
}

function emptyValue(field: Field): unknown {
  if (field.type !== "struct" || field.hasDefault) return field.default;
  return emptyStruct(field.fields!);
}
