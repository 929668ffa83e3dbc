/**
 * The state of the cluster, and the controller that changes it.
 *
 * A `MetadataStore`, a revisioned key-value store, is the source of truth. `LocalMetadataStore`
 * keeps it in a log next to those of the topics, for a cluster of one broker; `etcd/` has the one
 * that several brokers share, and `SharedMetadataStore` is for several brokers of one process.
 * `ClusterState` is the broker's typed view; it follows the store and changes it by
 * compare-and-set. `Registration` announces this broker to the others while its session with the
 * store lasts; `ControllerOffice` elects the controller, which `../controller/` is about.
 * `ForwardingManager` forwards requests to the controller over the connections of `Peers`.
 *
 * @module
 */

export {
  type BrokerInfo,
  type ClusterChange,
  ClusterState,
  type ClusterStateOptions,
  type PartitionState,
  type TopicState,
} from "./cluster_state.ts";
export {
  LocalMetadataStore,
  type LocalMetadataStoreOptions,
  METADATA_LOG_NAME,
} from "../metadata/local_metadata_store.ts";
export * from "../metadata/metadata_store.ts";
