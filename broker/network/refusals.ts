/**
 * Logs refused connections: once when the first is refused, and once when refusals have stopped.
 *
 * @module
 */

import type { BrokerContext } from "../handler.ts";

/** Time without a refusal after which refusals count as over. */
const QUIET_MS = 1000;

/** Refusals for one reason. */
export class Refusals {
  readonly #reason: string;
  readonly #broker: Pick<BrokerContext, "clock" | "logger">;
  #count = 0;
  #countAtTimer = 0;
  #timer: number | undefined;

  /** @param reason The reason, as the end of a sentence. */
  constructor(reason: string, broker: Pick<BrokerContext, "clock" | "logger">) {
    this.#reason = reason;
    this.#broker = broker;
  }

  /**
   * Records that a connection was refused.
   *
   * @param connections The number of open connections.
   */
  add(connections: number): void {
    this.#count++;
    if (this.#timer !== undefined) return;
    this.#broker.logger.warn(`Refusing connections: ${this.#reason}`, { connections });
    this.#await();
  }

  /** Stops logging. */
  close(): void {
    if (this.#timer !== undefined) this.#broker.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #await(): void {
    this.#countAtTimer = this.#count;
    this.#timer = this.#broker.clock.setTimeout(() => {
      if (this.#count > this.#countAtTimer) return this.#await();
      this.#timer = undefined;
      this.#broker.logger.info("Accepting connections again", { refused: this.#count });
      this.#count = 0;
    }, QUIET_MS);
  }
}
