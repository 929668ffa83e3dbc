/**
 * The cluster and its brokers: supported versions, log directories, features, the metadata quorum
 * and client metrics.
 *
 * @module
 */

export * from "./add_raft_voter.ts";
export * from "./alter_replica_log_dirs.ts";
export * from "./api_versions.ts";
export * from "./broker_heartbeat.ts";
export * from "./describe_cluster.ts";
export * from "./describe_log_dirs.ts";
export * from "./describe_quorum.ts";
export * from "./envelope.ts";
export * from "./get_telemetry_subscriptions.ts";
export * from "./push_telemetry.ts";
export * from "./remove_raft_voter.ts";
export * from "./unregister_broker.ts";
export * from "./update_features.ts";
