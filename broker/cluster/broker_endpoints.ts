/**
 * Where a broker is reached: one address for each of its listeners, and which of them other brokers
 * use.
 *
 * In the store, `host` and `port` of a broker are those for other brokers. A broker with a single
 * listener, PLAINTEXT, has nothing else there, as brokers had before listeners had names: both can read
 * each other.
 *
 * @module
 */

import { EMBEDDED_LISTENER, type ListenerIdentity } from "../security/session.ts";
import type { HostPort } from "../settings/listener.ts";
import type { Endpoint } from "../settings/listeners.ts";

/** Where a broker is reached, as it registers. */
export interface BrokerEndpoints extends HostPort {
  /** Its addresses by listener. Default: the one of the listener PLAINTEXT. */
  readonly endpoints?: readonly Endpoint[];
  /** The listener by which it reaches other brokers, and they reach it. Default: PLAINTEXT. */
  readonly interBrokerListener?: string;
}

const DEFAULT_LISTENER = "PLAINTEXT";

/** The value for the store of where a broker is reached. */
export function encodeEndpoints(
  { host, port, endpoints = [], interBrokerListener = DEFAULT_LISTENER }: BrokerEndpoints,
): BrokerEndpoints {
  const [first, ...others] = endpoints;
  const isPlain = first === undefined ||
    (first.name === DEFAULT_LISTENER && first.protocol === DEFAULT_LISTENER &&
      first.host === host && first.port === port && others.length === 0);
  return isPlain ? { host, port } : { host, port, endpoints, interBrokerListener };
}

/** What {@linkcode encodeEndpoints} made, with nothing left out. */
export function decodeEndpoints(
  { host, port, endpoints, interBrokerListener = DEFAULT_LISTENER }: BrokerEndpoints,
): Required<BrokerEndpoints> {
  const plain: Endpoint = { name: DEFAULT_LISTENER, protocol: DEFAULT_LISTENER, host, port };
  return { host, port, endpoints: endpoints ?? [plain], interBrokerListener };
}

/**
 * Where a broker is reached by connections of a listener; undefined if it has none of that name, as
 * clients then cannot reach it.
 *
 * Connections within the process get one that needs no login, or else the one for other brokers.
 */
export function endpointFor(
  { host, port, endpoints }: Required<BrokerEndpoints>,
  { name }: ListenerIdentity,
): HostPort | undefined {
  if (name === EMBEDDED_LISTENER.name) {
    const plain = endpoints.find(({ protocol }) => protocol === "PLAINTEXT");
    return plain ?? (host === "" ? undefined : { host, port });
  }
  return endpoints.find((endpoint) => endpoint.name === name);
}
