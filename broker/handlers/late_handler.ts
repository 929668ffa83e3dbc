/**
 * Handlers whose code is loaded with the first request.
 *
 * @module
 */

import type { Api } from "../../protocol/schema/schema.ts";
import type { VersionRange } from "../../protocol/schema/version_range.ts";
import type { ApiHandler } from "../handler.ts";

/**
 * Creates the handler of an API that loads what handles it.
 *
 * @param load Loads the handler. It is called again only if it has failed.
 * @param advertised The versions in ApiVersions. Default: all accepted ones.
 */
export function lateHandler(
  api: Api,
  load: () => Promise<ApiHandler>,
  advertised: VersionRange = api.versions,
): ApiHandler {
  let loaded: ApiHandler | undefined;
  return {
    api,
    advertised,
    handle: (request, context) => {
      if (loaded !== undefined) return loaded.handle(request, context);
      context.keepFrame();
      return load().then((handler) => (loaded = handler).handle(request, context));
    },
  };
}
