/**
 * Keeps the replicas of partitions in sync.
 *
 * A broker fetches what others lead, with one `ReplicaFetcher` for each leader, and asks the metadata
 * store for the ISRs of what it leads (`InSyncUpdater`). `Replication` starts both with the first
 * partition that has several replicas. `ReplicaSessions` is the leader's side of the fetches, which
 * `../handlers/records/replica_fetch.ts` serves. What is decided, `../roles/` decides.
 *
 * @module
 */

export { preferredReplica } from "./preferred_replica.ts";
export { ReplicaSessions } from "./replica_sessions.ts";
export { loadReplication, Replication } from "./replication.ts";
