/**
 * Handlers of requests that only the controller can serve.
 *
 * @module
 */

import type { Api } from "../../protocol/schema/schema.ts";
import type { ApiHandler, Handle } from "../handler.ts";

/**
 * Serves requests on the controller: here, or by forwarding them.
 *
 * @param isLocal Whether a request concerns this broker alone. Default: none does.
 */
export function onController<Request = never>(
  handler: ApiHandler,
  isLocal: (request: Request) => boolean = () => false,
): ApiHandler {
  const { api, handle } = handler;
  const serve: Handle<Api> = async (request, context) => {
    const { forwarding } = context.broker;
    return await forwarding.forward(api, request, context) ?? await handle(request, context);
  };
  return {
    ...handler,
    handle: (request, context) =>
      context.broker.cluster.isController() || isLocal(request as unknown as Request)
        ? handle(request, context)
        : serve(request, context),
  };
}
