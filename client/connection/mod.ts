/**
 * Connections to the brokers of a cluster, and the internals that all parts of the SDK share.
 *
 * `ClientCore` is shared by all classes: it caches the metadata of the cluster (`ClusterMetadata`),
 * sends requests to any broker, a leader (`leaders.ts`) or the controller, and retries with back-off (`backoff.ts`) until the
 * `Deadline` of an operation. A `Coordinator` is the broker for a group or a transactional id. A `ConnectionLane` keeps one
 * `Connection` per broker for one purpose, so that a Fetch that waits does not block other
 * requests; `dialer.ts` opens them, over TCP or inside this process, and `ApiVersionTable` chooses
 * the version of each request. `ConnectionMonitor` reports their
 * state to the program. Waits (`waiting.ts`, `wake_signal.ts`) take a signal; timers
 * (`timer.ts`) take any duration, including `Infinity`.
 *
 * @module
 */

export type { BrokerAddress } from "./address.ts";
export type { OperationOptions } from "./client_core.ts";
export type { BrokerNode, PartitionMetadata } from "./cluster_metadata.ts";
export type { ConnectionState, ConnectionStatus } from "./connection_status.ts";
export type { EmbeddedBroker, EmbeddedChannel } from "./dialer.ts";
export type { CloseOptions, WaitOptions } from "./waiting.ts";
