/**
 * The parts that a broker opens one after the other at its start, each from its settings: the data folder,
 * the metadata, the listeners, the way to other brokers, and what transactions need.
 *
 * @module
 */

export { openDirectory } from "./open_directory.ts";
export { endpointsOf, openListeners } from "./open_listeners.ts";
export { type ClusterSurroundings, openMetadata } from "./open_metadata.ts";
export { openPeerNetwork } from "./open_peer_network.ts";
export { openTransactions } from "./open_transactions.ts";
