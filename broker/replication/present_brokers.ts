/**
 * The brokers that leaders count on: the registered ones, and for a moment those that went together
 * with most others. The metadata store has then ended sessions of living brokers, which return.
 *
 * @module
 */

import type { ClusterState } from "../cluster/cluster_state.ts";
import type { LiveBrokers } from "../roles/leadership.ts";

/** How long brokers have time to return when more than half have gone. */
const MASS_LOSS_MS = 2000;

/** The brokers of a cluster, as leaders see them. */
export class PresentBrokers implements Omit<LiveBrokers, "isSilent"> {
  readonly #cluster: ClusterState;
  readonly #nowMs: () => number;
  /** Registrations that ended lately, by broker. */
  readonly #lost: Map<number, { readonly epoch: number; readonly lostMs: number }> = new Map();
  #known: ReadonlyMap<number, number>;

  /** @param nowMs As of `Clock.monotonic()`. */
  constructor(cluster: ClusterState, nowMs: () => number) {
    this.#cluster = cluster;
    this.#nowMs = nowMs;
    this.#known = this.#registered;
  }

  /** Notes who has come or gone. */
  update(): void {
    const nowMs = this.#nowMs();
    const registered = this.#registered;
    for (const [id, epoch] of this.#known) {
      if (registered.has(id) || this.#cluster.isShuttingDown(id)) continue;
      this.#lost.set(id, { epoch, lostMs: nowMs });
    }
    for (const id of registered.keys()) this.#lost.delete(id);
    this.#known = registered;
  }

  epochOf(broker: number): number | undefined {
    const epoch = this.#known.get(broker);
    if (epoch !== undefined || this.#lost.size === 0) return epoch;
    return this.#isMassLoss ? this.#lost.get(broker)?.epoch : undefined;
  }

  isStopping(broker: number): boolean {
    return this.#cluster.isShuttingDown(broker);
  }

  get #isMassLoss(): boolean {
    const nowMs = this.#nowMs();
    for (const [id, { lostMs }] of this.#lost) {
      if (nowMs - lostMs >= MASS_LOSS_MS) this.#lost.delete(id);
    }
    return this.#lost.size > this.#known.size;
  }

  get #registered(): ReadonlyMap<number, number> {
    return new Map(this.#cluster.brokers.map(({ id, epoch }) => [id, epoch]));
  }
}
