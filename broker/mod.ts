/**
 * The broker: serves Kafka's protocol from a data folder, or from memory within your own process.
 *
 * How the rooms work together: `broker.ts` opens all components in order and closes them in
 * reverse. `network/` accepts connections, passes requests to `handlers/` (one file per API) and
 * sends responses in order; `handler.ts` defines the context of a handler. `topics/` holds the
 * local topics and partitions, `cluster/` the state that all brokers of a cluster share, `groups/`
 * the group coordinator, `validation/` the checks of produced batches. `settings/` is the table of
 * all settings and where their values come from. `maintenance.ts` runs periodic tasks. All code
 * takes the time from the clock of `time/`.
 *
 * @module
 */

export type { BootstrapUser } from "./bootstrap_user.ts";
export {
  Broker,
  type BrokerOptions,
  type ClusterMembership,
  type RegisteredBroker,
} from "./broker.ts";
export { Cluster, type ClusterOptions } from "./cluster.ts";
export type { ClusterSurroundings, SharedStore, StorePosition } from "./opening/open_metadata.ts";
export { preload } from "./preload.ts";
export type { PeerNetwork } from "./peers/peer_network.ts";
export type {
  AbortOptions,
  CommitOptions,
  MetadataChange,
  MetadataEntry,
  MetadataEvent,
  MetadataExpectation,
  MetadataKeyChange,
  MetadataLogState,
  MetadataSession,
  MetadataSnapshot,
  MetadataStore,
  MetadataStoreHealth,
} from "./metadata/metadata_store.ts";
export type { Principal } from "./security/principal.ts";
export type { ListenerIdentity, Session } from "./security/session.ts";
export * from "./settings/mod.ts";
export * from "./time/mod.ts";
export {
  createLogger,
  LOG_LEVELS,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from "./logger.ts";
export { DataFolderLockedError, StorageError } from "../storage/errors.ts";
export type { DescriptorReserve } from "../storage/file_system/descriptor_reserve.ts";
export type {
  DirectoryEntry,
  File,
  FileInfo,
  FileLock,
  FileMode,
  FileSystem,
  OpenOptions,
} from "../storage/file_system/file_system.ts";
export type { FrameChannel } from "../protocol/frames/channel.ts";
export type { Chunks, Writer } from "../protocol/primitives/writer.ts";
