/**
 * Consumer groups: who shares the work, and how far it is done.
 *
 * How the files work together. `group_coordinator.ts` knows which groups this broker coordinates: those
 * whose partition of `__consumer_offsets` it leads. Each partition is a shard (`group_shard.ts`), which
 * holds its groups in memory and writes every change to its log before it is answered
 * (`group_log.ts`, in the broker `partition_log.ts`; `records/` has Kafka's formats). Requests come from
 * `../handlers/groups/`, one file per API.
 *
 * There are two kinds of groups (`group.ts`). In `classic/` members agree among themselves, one of them
 * assigns, and all begin a generation together: a state machine (`classic_group.ts`) that `rebalance.ts`
 * moves from state to state. In `consumer/`, KIP-848, the coordinator assigns and members come to
 * their targets one by one: the state is what the records say (`consumer_group.ts`), `update.ts` works
 * out what follows from a heartbeat, `reconcile.ts` what a member may hold. `membership.ts` takes
 * classic members' requests to either kind, and `consumer/migrate.ts` turns one kind into the other.
 * `offsets/` is what groups of both kinds, and whoever needs no group, have committed.
 *
 * Sessions and other timeouts are deadlines on one timer (`deadlines.ts`). Nothing else here passes with
 * time, and all state changes are synchronous; only the log is waited for.
 *
 * @module
 */

export { ClusterTopics } from "./cluster_topics.ts";
export {
  GroupCoordinator,
  type GroupCoordinatorOptions,
  partitionOf,
} from "./group_coordinator.ts";
export { OFFSETS_TOPIC } from "./offsets_topic.ts";
export { RegistryOffsetsTopic } from "./registry_offsets_topic.ts";
