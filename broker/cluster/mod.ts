/**
 * What the brokers of a cluster agree on, as the metadata store (`../metadata/`) has it.
 *
 * `ClusterState` is the broker's typed view; it follows the store and changes it by compare-and-set.
 * Its parts are the views of brokers, topics and settings (`*_view.ts`). `admit()` finds the broker's
 * place before anything is opened; `Registration` announces it to the others while its session with
 * the store lasts; `ControllerOffice` elects the controller, which `../controller/` is about.
 * `ForwardingManager` forwards requests to the controller over the connections of `../peers/`.
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
