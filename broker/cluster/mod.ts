/**
 * What the brokers of a cluster agree on, as the metadata store (`../metadata/`) has it.
 *
 * `ClusterState` is the broker's typed view; it follows the store and changes it by compare-and-set.
 * Its parts are the views of brokers, topics and settings (`*_view.ts`). `admit()` finds the broker's
 * place before anything is opened; `Registration` announces it to the others while its session with
 * the store lasts; `ControllerOffice` elects the controller, which `../controller/` is about.
 * `ForwardingManager` forwards requests to the controller over the connections of `../peers/`.
 *
 * Keys, each with a JSON value:
 *
 *     cluster                         the cluster's id, and the version of this layout
 *     brokers/<id>                    where a broker is reached by each listener, while its session
 *                                     lasts; see `broker_endpoints.ts`
 *     directories/<id>                the data folder that has a broker's number
 *     controller                      the controller, while its session lasts
 *     suspects/<id>/<voter>           a broker says that the controller is dead (`suspicions.ts`)
 *     topics/<name>                   id, replicas of each partition, settings
 *     partitions/<topic id>/<index>   leader, leader epoch and ISR, if they differ from the
 *                                     initial ones; see `topic_state.ts`
 *     deleted/<topic id>/<broker>     the broker may still have logs of a topic that was deleted
 *     configs/brokers/<id>            settings of a broker changed at run time
 *     configs/brokers                 settings of all brokers changed at run time
 *     http/<id>                       where a broker serves HTTP; not in this view
 *     features                        finalized feature levels that were changed
 *     configs/groups/<group id>       settings of a group (KIP-848)
 *     configs/client-metrics/<name>   a client metrics subscription (KIP-714)
 *     users/, acls/, quotas/ …        see `../security/security_records.ts`
 *
 * A topic is therefore created by writing one key, however many partitions it has, and a leader is
 * changed by a compare-and-set of one small key.
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
