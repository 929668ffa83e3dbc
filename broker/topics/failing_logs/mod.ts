/**
 * What a broker does about a log that fails: one whose records are damaged (`damaged_log.ts`), and one that
 * can be written no longer (`log_failure.ts`). Where other replicas exist, they take over.
 *
 * @module
 */

export { leaveOnDamage } from "./damaged_log.ts";
export { leaveOnLogFailure } from "./log_failure.ts";
