/**
 * Controlled shutdown (KIP-631): before a broker stops, others lead its partitions, and the leaders
 * of others do not wait for it. Then it answers clients for another moment, so that they learn where
 * to go instead of losing a connection.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import type { ClusterState } from "../cluster/cluster_state.ts";
import type { HeartbeatManager } from "./heartbeat_manager.ts";

/** What a controlled shutdown uses. */
export interface ControlledShutdownOptions {
  readonly cluster: ClusterState;
  readonly heartbeats: HeartbeatManager;
  /** When a client was last active, as of `Clock.monotonic()`. */
  lastActiveMs(): number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Time after which the broker stops in any case. */
const MAX_MS = 5000;
const POLL_MS = 20;
/** Clients have left a broker that has not heard of any for so long. */
const QUIET_MS = 50;
/** How long it waits for that. */
const MAX_QUIET_MS = 250;

/** Resolves when this broker can stop without anybody waiting for it. */
export async function shutDownControlled(options: ControlledShutdownOptions): Promise<void> {
  const { cluster, logger } = options;
  const hasOthers = cluster.brokers.some(({ id }) => id !== cluster.nodeId);
  if (!hasOthers || cluster.isFenced || cluster.incarnation === undefined) return;
  try {
    await cluster.membership.beginShutdown();
    if (!await hasLeft(options)) {
      logger.warn("Stopped before others lead all partitions of this broker");
    }
    await cluster.membership.resign();
    await quiet(options);
  } catch (error) {
    logger.warn("Cannot shut down in good order", { error });
  }
}

async function hasLeft(options: ControlledShutdownOptions): Promise<boolean> {
  const { cluster, heartbeats, clock } = options;
  const deadlineMs = clock.monotonic() + MAX_MS;
  while (clock.monotonic() < deadlineMs) {
    if (await heartbeats.mayShutDown().catch(() => false)) return true;
    if (cluster.isFenced) return false;
    await delay(clock, POLL_MS);
  }
  return false;
}

async function quiet({ clock, lastActiveMs }: ControlledShutdownOptions): Promise<void> {
  const deadlineMs = clock.monotonic() + MAX_QUIET_MS;
  for (;;) {
    const nowMs = clock.monotonic();
    const waitMs = Math.min(lastActiveMs() + QUIET_MS, deadlineMs) - nowMs;
    if (waitMs <= 0) return;
    await delay(clock, waitMs);
  }
}

function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, ms));
}
