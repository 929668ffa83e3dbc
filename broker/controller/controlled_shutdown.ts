/**
 * Controlled shutdown (KIP-631): before a broker stops, others lead its partitions, and the leaders
 * of others do not wait for it.
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
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Time after which the broker stops in any case. */
const MAX_MS = 5000;
const POLL_MS = 20;

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
  } catch (error) {
    logger.warn("Cannot shut down in good order", { error });
  }
}

async function hasLeft({ cluster, heartbeats, clock }: ControlledShutdownOptions) {
  const deadlineMs = clock.monotonic() + MAX_MS;
  while (clock.monotonic() < deadlineMs) {
    if (await heartbeats.mayShutDown().catch(() => false)) return true;
    if (cluster.isFenced) return false;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, POLL_MS));
  }
  return false;
}
