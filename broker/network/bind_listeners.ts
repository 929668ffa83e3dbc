/**
 * Binds the listeners of a broker.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { BrokerConfig } from "../settings/config.ts";
import { hasTls, type HostPort } from "../settings/listener.ts";
import type { Listener } from "../settings/listeners.ts";
import type { Clock } from "../time/clock.ts";
import type { Server } from "./server.ts";

/** Loaded when it is needed. */
const TLS = "./tls/mod.ts";

/**
 * Binds listeners, and returns where. The code of TLS is loaded if one of them uses it.
 *
 * @throws {ConfigError} If keys or certificates cannot be used.
 * @throws {Deno.errors.AddrInUse} If another program listens on an address.
 */
export async function bindListeners(
  server: Server,
  listeners: readonly Listener[],
  options: { readonly config: BrokerConfig; readonly clock: Clock; readonly logger: Logger },
): Promise<HostPort[]> {
  const bound: HostPort[] = [];
  for (const listener of listeners) {
    if (!hasTls(listener.protocol)) {
      bound.push(server.bind(listener.bind, listener));
      continue;
    }
    const { openTlsListener }: typeof import("./tls/mod.ts") = await import(TLS);
    const secure = await openTlsListener({
      ...options,
      address: listener.bind,
      identity: listener,
      config: options.config.ofListener(listener.name),
    });
    bound.push(server.serveTls(secure, listener));
  }
  return bound;
}
