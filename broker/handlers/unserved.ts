/**
 * Handles requests of APIs that this broker does not serve.
 *
 * The APIs are not advertised. A client that uses one anyway gets UNSUPPORTED_VERSION in the form
 * of that API, where Kafka closes the connection.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import { NO_VERSIONS } from "../../protocol/schema/version_range.ts";
import { ApiError } from "../api_error.ts";
import { type ApiHandler, handler } from "../handler.ts";
import { unchecked } from "./access/mod.ts";

/** Creates a handler that refuses every request of an API and names the API. */
export function unservedHandler(api: Api): ApiHandler {
  const refuse = (): never => {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_VERSION,
      `This broker does not serve ${api.name} (API key ${api.key})`,
    );
  };
  return handler(api, refuse, unchecked, NO_VERSIONS);
}
