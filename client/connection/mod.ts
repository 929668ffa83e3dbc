/**
 * Connections to the brokers of a cluster, and what every part of the SDK needs of them.
 *
 * `ClientCore` is what the classes share: it knows the cluster (`ClusterMetadata`), asks any broker, a
 * leader (`leaders.ts`) or the controller, and tries again after a `backoff.ts` until the `Deadline` of
 * an operation. A `ConnectionLane` keeps one `Connection` to each broker for one purpose, so that a
 * Fetch that waits holds up nothing else; `dialer.ts` opens them, over TCP or inside this process, and
 * `ApiVersionTable` chooses the version of each request. Waits (`waiting.ts`, `wake_signal.ts`) take a
 * signal; timers (`timer.ts`) take any time, `Infinity` included.
 *
 * @module
 */

export type { BrokerAddress } from "./address.ts";
export type { OperationOptions } from "./client_core.ts";
export type { BrokerNode, PartitionMetadata } from "./cluster_metadata.ts";
export type { EmbeddedBroker, EmbeddedChannel } from "./dialer.ts";
export type { CloseOptions, WaitOptions } from "./waiting.ts";
