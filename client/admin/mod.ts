/**
 * Administration: topics, partitions, settings, groups, records.
 *
 * `Admin` is the class; each other file holds the requests of one subject. What concerns a group goes to
 * its coordinator, what changes topics to the controller, the rest to any broker.
 *
 * @module
 */

export * from "./admin_types.ts";
export { Admin } from "./admin.ts";
