/**
 * Groups: their coordinators, members of every protocol, and committed offsets.
 *
 * @module
 */

export * from "./alter_share_group_offsets.ts";
export * from "./consumer_group_describe.ts";
export * from "./consumer_group_heartbeat.ts";
export * from "./delete_groups.ts";
export * from "./delete_share_group_offsets.ts";
export * from "./describe_groups.ts";
export * from "./find_coordinator.ts";
export * from "./heartbeat.ts";
export * from "./join_group.ts";
export * from "./leave_group.ts";
export * from "./list_groups.ts";
export * from "./offset_commit.ts";
export * from "./offset_delete.ts";
export * from "./offset_fetch.ts";
export * from "./share_acknowledge.ts";
export * from "./share_group_heartbeat.ts";
export * from "./streams_group_heartbeat.ts";
export * from "./sync_group.ts";
