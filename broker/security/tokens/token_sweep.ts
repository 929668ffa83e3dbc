/**
 * Deletes delegation tokens that have expired.
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import { RevisionConflictError } from "../../metadata/metadata_store.ts";
import type { BrokerConfig } from "../../settings/config.ts";
import type { Clock } from "../../time/clock.ts";
import type { DelegationTokens } from "./delegation_tokens.ts";

/** What the sweep depends on. */
export interface TokenSweepOptions {
  readonly tokens: DelegationTokens;
  readonly cluster: { isController(): boolean };
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Looks for expired tokens from time to time, on the controller. */
export class TokenSweep {
  readonly #options: TokenSweepOptions;
  #timer: number | undefined;
  #isClosed = false;

  constructor(options: TokenSweepOptions) {
    this.#options = options;
    this.#schedule();
  }

  /** Ends it. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const { clock, config } = this.#options;
    const ms = config.get("delegation.token.expiry.check.interval.ms");
    this.#timer = clock.setTimeout(() => {
      this.#sweep().finally(() => this.#schedule());
    }, ms);
  }

  async #sweep(): Promise<void> {
    const { tokens, cluster, logger } = this.#options;
    if (!cluster.isController()) return;
    for (const token of [...tokens.all()]) {
      if (this.#isClosed || !tokens.isExpired(token)) continue;
      try {
        await tokens.delete(token.id);
      } catch (error) {
        if (error instanceof RevisionConflictError) continue;
        if (!this.#isClosed) logger.warn("Cannot delete an expired delegation token", { error });
        return;
      }
    }
  }
}
