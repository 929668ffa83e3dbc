/**
 * What a broker listens on, and where it says that it is reached.
 *
 * @module
 */

import type { BrokerEndpoints } from "../cluster/broker_endpoints.ts";
import type { BrokerConfig } from "../settings/config.ts";
import { type HostPort, normalizeListener } from "../settings/listener.ts";
import { type Listeners, readListeners } from "../settings/listeners.ts";

/** The address of a broker without sockets. */
const EMBEDDED_ADDRESS: HostPort = { host: "embedded", port: 0 };

/**
 * Reads the listeners of a broker.
 *
 * @throws {ConfigError} If settings do not fit together.
 */
export function openListeners(
  { storage, listen }: {
    readonly storage?: "disk" | "memory";
    readonly listen?: string | readonly string[];
  },
  config: BrokerConfig,
): Listeners {
  const texts = listen === undefined
    ? storage === "memory" ? [] : undefined
    : [listen].flat().map(normalizeListener);
  return readListeners(config, texts);
}

/**
 * Where others reach a broker.
 *
 * @param bound Where each listener has been bound.
 */
export function endpointsOf(
  { interBroker, endpoints }: Listeners,
  bound: readonly HostPort[],
): BrokerEndpoints {
  const all = endpoints(bound);
  const { host, port } = all.find(({ name }) => name === interBroker.name) ?? EMBEDDED_ADDRESS;
  // A broker without sockets is only reached within its process.
  const reached = all.length > 0 ? all : [{ ...interBroker, host, port }];
  return { host, port, endpoints: reached, interBrokerListener: interBroker.name };
}
