/**
 * Requests of APIs that this broker does not serve.
 *
 * They are not advertised, so that clients name them without a question. One that asks all the same
 * is answered with UNSUPPORTED_VERSION in the API's own form, where Kafka closes the connection.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import { NO_VERSIONS } from "../../protocol/schema/version_range.ts";
import { ApiError } from "../api_error.ts";
import { type ApiHandler, handler } from "../handler.ts";

/** A handler that refuses every request of an API, by its name. */
export function unservedHandler(api: Api): ApiHandler {
  const refuse = (): never => {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_VERSION,
      `This broker does not serve ${api.name} (API key ${api.key})`,
    );
  };
  return handler(api, refuse, NO_VERSIONS);
}
