/**
 * What the groups of a partition need. It is loaded when there are groups: a broker starts faster
 * without it.
 *
 * @module
 */

export { expireGroups, forgetTopic } from "./administration.ts";
export { startSessions as startClassicSessions } from "./classic/load.ts";
export { startSessions } from "./consumer/fence.ts";
export { GroupShard } from "./group_shard.ts";
