/**
 * How members of groups keep in touch: often, and not for long without.
 *
 * @module
 */

/** After how much silence a member is out. */
export const SESSION_TIMEOUT_MS = 2000;
/** How often a member says that it is there. */
export const HEARTBEAT_INTERVAL_MS = 200;
/** How long the group waits for a member to join again. */
export const REBALANCE_TIMEOUT_MS = 10_000;
