/**
 * What the cluster consists of, and who may change it.
 *
 * The truth is in a `MetadataStore`: keys and values that change in revisions. `LocalMetadataStore`
 * keeps it in a log beside those of the topics, for a cluster of one broker; `etcd/` has the one that
 * several brokers share, and `SharedMetadataStore` is for several brokers of one process. `ClusterState`
 * is the typed view that the broker works with; it follows the store, and changes it by comparing and
 * setting. `Registration` tells the others of this broker, for as long as its session with the store
 * lasts; `ControllerOffice` makes one broker the controller. `ForwardingManager` has the controller serve
 * what another broker was asked for, over the connections of `Peers`.
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
} from "./local_metadata_store.ts";
export * from "./metadata_store.ts";
