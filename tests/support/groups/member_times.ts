/**
 * Timeouts of group members, all short.
 *
 * @module
 */

/** Time without heartbeats after which a member is removed. */
export const SESSION_TIMEOUT_MS = 2000;
/** Time between two heartbeats. */
export const HEARTBEAT_INTERVAL_MS = 200;
/** How long the group waits for a member to rejoin. */
export const REBALANCE_TIMEOUT_MS = 10_000;
