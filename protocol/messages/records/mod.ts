/**
 * Reading and writing records: Produce, Fetch, offsets and the deletion of records.
 *
 * @module
 */

export * from "./delete_records.ts";
export * from "./fetch.ts";
export * from "./list_offsets.ts";
export * from "./offset_for_leader_epoch.ts";
export * from "./produce.ts";
