/**
 * The controller's office: the one broker that may change the cluster's metadata holds a lease on it.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";
import type { Logger } from "../logger.ts";
import type { Lease, MetadataStore } from "./metadata_store.ts";

/** What a candidate needs. */
export interface ControllerLeaseOptions {
  readonly store: MetadataStore;
  readonly nodeId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the candidate no longer wants the office. */
  readonly signal: AbortSignal;
}

const NAME = "controller";
/** How long a controller that has gone silent stays in office. */
const TTL_MS = 10_000;

/** The office, as its holder has it. */
export class ControllerLease {
  readonly #lease: Lease;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #timer: number | undefined;

  private constructor(lease: Lease, { clock, logger }: ControllerLeaseOptions) {
    this.#lease = lease;
    this.#clock = clock;
    this.#logger = logger;
    this.#scheduleRenewal();
  }

  /** Waits until the office is free, takes it, and keeps it from then on. */
  static async take(options: ControllerLeaseOptions): Promise<ControllerLease> {
    const { store, nodeId, signal } = options;
    return new ControllerLease(
      await store.lease(NAME, String(nodeId), TTL_MS, { signal }),
      options,
    );
  }

  /** Whether the office is still the holder's. */
  get isHeld(): boolean {
    return this.#lease.isHeld;
  }

  /** Gives the office up. Giving it up twice is allowed. */
  async release(): Promise<void> {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    await this.#lease.release();
  }

  #scheduleRenewal(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      if (!this.#lease.isHeld) return;
      this.#scheduleRenewal();
      this.#lease.renew().then((isHeld) => {
        if (!isHeld) this.#logger.warn("Lost the controller's office");
      }, (error) => this.#logger.warn("Cannot renew the controller's lease", { error }));
    }, TTL_MS / 3);
  }
}
