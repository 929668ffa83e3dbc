/**
 * Connections to the other brokers of a cluster: `Peers` sends requests over a `PeerNetwork`, which is
 * TCP unless a test or a simulation has another one.
 *
 * @module
 */

export type { PeerNetwork } from "./peer_network.ts";
export { Peers } from "./peers.ts";
