/**
 * Has preferred leaders lead again, as the controller, from time to time: a broker that was away would
 * lead nothing for ever otherwise.
 *
 * @module
 */

import { ApiError } from "../api_error.ts";
import type { ClusterState } from "../cluster/cluster_state.ts";
import type { Logger } from "../logger.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";
import type { ElectionManager } from "./election_manager.ts";
import { preferredElections } from "./elections.ts";

/** Options of preferred leaders. */
export interface PreferredLeadersOptions {
  readonly cluster: ClusterState;
  readonly elections: ElectionManager;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The checks of one broker, which acts while it is the controller. */
export class PreferredLeaders {
  readonly #options: PreferredLeadersOptions;
  #timer: number | undefined;

  constructor(options: PreferredLeadersOptions) {
    this.#options = options;
  }

  /** Begins to check, unless `auto.leader.rebalance.enable` is false. */
  start(): void {
    const { config, clock } = this.#options;
    if (!config.get("auto.leader.rebalance.enable")) return;
    this.#timer = clock.setTimeout(
      () => this.#check(),
      config.get("leader.imbalance.check.interval.seconds") * 1000,
    );
  }

  /** Stops; a commit under way ends with the store. */
  close(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #check(): Promise<void> {
    const { cluster, elections, logger } = this.#options;
    // The next check has its time whatever becomes of this one.
    this.start();
    if (!cluster.isController()) return;
    try {
      await elections.commit(() => preferredElections(cluster.topics(), elections.view));
    } catch (error) {
      // Another broker is the controller now.
      if (error instanceof ApiError || this.#timer === undefined) return;
      logger.warn("Cannot elect preferred leaders for the moment", { error });
    }
  }
}
