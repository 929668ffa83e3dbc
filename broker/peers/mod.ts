/**
 * Connections to the other brokers of a cluster: `Peers` sends requests over a `PeerNetwork`, which
 * tests and simulations replace. Otherwise it is a `ListenerNetwork`, by the listener that is for other
 * brokers: TCP, or with TLS or a login what `secure_connection.ts` makes of it.
 *
 * @module
 */

export type { PeerNetwork } from "./peer_network.ts";
export { Peers } from "./peers.ts";
