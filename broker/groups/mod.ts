/**
 * Consumer groups: membership, assignments and committed offsets.
 *
 * How the files work together: `group_coordinator.ts` manages the groups of this broker, which are
 * those whose partition of `__consumer_offsets` it leads. Each partition is a shard
 * (`group_shard.ts`), which holds its groups in memory and writes every change to its log before it
 * responds (`group_log.ts`, implemented by `partition_log.ts`; `records/` defines Kafka's formats).
 * Requests come from `../handlers/groups/`, one file per API.
 *
 * There are two protocols; `group.ts` has what their groups have in common. In `classic/`, one of
 * the members assigns, and all start a generation together: a state machine (`classic_group.ts`)
 * driven by `rebalance.ts`. In `consumer/` (KIP-848), the coordinator assigns and members reach
 * their targets independently: the state is defined by records (`consumer_group.ts`), `update.ts`
 * computes the effects of a heartbeat, and `reconcile.ts` what a member may hold. `membership.ts`
 * handles classic requests for either kind of group, and `consumer/migrate.ts` converts groups.
 * `offsets/` stores committed offsets.
 *
 * Sessions and other timeouts are deadlines on one timer (`deadlines.ts`). All state changes are
 * synchronous; only the log is awaited.
 *
 * @module
 */

export { ClusterTopics } from "./cluster_topics.ts";
export { GroupCoordinator, type GroupCoordinatorOptions } from "./group_coordinator.ts";
export { OFFSETS_TOPIC } from "./offsets_topic.ts";
export { RegistryOffsetsTopic } from "./registry_offsets_topic.ts";
