/**
 * Administration: topics, partitions, configs, groups and records.
 *
 * `Admin` is the class; each other file holds the requests of one subject. Requests about a group
 * go to its coordinator, changes of topics to the controller, the rest to any broker.
 *
 * @module
 */

export * from "./admin_types.ts";
export { Admin } from "./admin.ts";
