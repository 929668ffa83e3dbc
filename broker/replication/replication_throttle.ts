/**
 * Limits how fast a broker copies the replicas that reassignments add (KIP-73), so that others have
 * the network and the disks to themselves.
 *
 * What was copied is a debt that the rate pays off; while there is any, nothing more is fetched. A
 * change of the rate takes effect at once.
 *
 * @module
 */

import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import type { ClusterState } from "../cluster/cluster_state.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";

/** Longest wait, after which the rate is looked at again. */
const MAX_WAIT_MS = 500;

/** The rates that the settings of brokers limit copies to, in bytes per second. */
export interface ThrottledRates {
  /** That of this broker as follower. */
  throttledRate(): number;
  /** That of another broker as leader, for each of its followers. */
  leaderRate(leaderId: number): number;
}

/** Returns the rates in the settings. */
export function throttledRates(config: BrokerConfig, cluster: ClusterState): ThrottledRates {
  const name = "leader.replication.throttled.rate";
  const rate = (value: number) => value >= INT64_MAX ? Infinity : value;
  return {
    throttledRate: () => rate(config.get("follower.replication.throttled.rate")),
    leaderRate: (leaderId) => rate(Number(cluster.sharedSetting(leaderId, name) ?? INT64_MAX)),
  };
}

/** One limit. */
export class ReplicationThrottle {
  readonly #clock: Clock;
  readonly #rate: () => number;
  /** Bytes that were copied and not paid off. */
  #debt = 0;
  #paidMs: number;

  /** @param rate Returns the limit in bytes per second; `Infinity` for none. */
  constructor(clock: Clock, rate: () => number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#paidMs = clock.monotonic();
  }

  /** Counts what was copied. */
  count(bytes: number): void {
    this.#pay();
    this.#debt += bytes;
  }

  /** Milliseconds to wait before more is copied, or before asking again; 0 for none. */
  get waitMs(): number {
    this.#pay();
    if (this.#debt === 0) return 0;
    return Math.min(MAX_WAIT_MS, Math.ceil(this.#debt / this.#rate() * 1000));
  }

  #pay(): void {
    const nowMs = this.#clock.monotonic();
    const rate = this.#rate();
    const paid = rate === Infinity ? Infinity : (nowMs - this.#paidMs) / 1000 * rate;
    this.#debt = Math.max(0, this.#debt - paid);
    this.#paidMs = nowMs;
  }
}
