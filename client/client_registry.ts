/**
 * Leads from a client to its inner side, which `Admin`, `Producer` and `Consumer` work with and which
 * users do not see.
 *
 * @module
 */

import type { ClientCore } from "./connection/client_core.ts";

const cores = new WeakMap<object, ClientCore>();

/** Notes the inner side of a client. */
export function registerCore(client: object, core: ClientCore): void {
  cores.set(client, core);
}

/** The inner side of a client. */
export function coreOf(client: object): ClientCore {
  const core = cores.get(client);
  if (core === undefined) throw new TypeError("Cannot use this object: it is not a Client");
  return core;
}
