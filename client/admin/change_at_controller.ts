/**
 * Changes whose items have results of their own, carried out by the controller.
 *
 * @module
 */

import type { Api, DecodedFields, Fields } from "../../protocol/schema/schema.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import type { RequestBody } from "../connection/connection.ts";
import type { KafkaError } from "../errors.ts";

/**
 * Sends a change to the controller, and again if the broker asked was not the controller.
 *
 * @param results Returns the results in a response.
 */
export async function changeAtController<
  Req extends Fields,
  Res extends Fields,
  T extends { readonly error: KafkaError | undefined },
>(
  core: ClientCore,
  action: string,
  api: Api<Req, Res>,
  body: RequestBody<Req>,
  options: OperationOptions,
  results: (response: DecodedFields<Res>) => T[],
): Promise<T[]> {
  return await core.retry(action, options, async (signal) => {
    const found = results(await core.requestController(api, body, { signal }));
    const misdirected = found.find(({ error }) => error?.code === "NOT_CONTROLLER")?.error;
    if (misdirected !== undefined) {
      core.metadata.forgetController();
      throw misdirected;
    }
    return found;
  });
}
