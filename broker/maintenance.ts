/**
 * What a broker does from time to time by itself, each task with a pause after it: retention every
 * `log.retention.check.interval.ms`, checkpoints every `log.flush.offset.checkpoint.interval.ms`.
 *
 * @module
 */

import type { LogDirectory } from "../storage/mod.ts";
import type { Clock } from "./clock.ts";
import type { BrokerConfig } from "./config.ts";
import type { Logger } from "./logger.ts";
import type { TopicRegistry } from "./topics/topic_registry.ts";

/** What maintenance works on. */
export interface MaintenanceOptions {
  readonly directory: LogDirectory;
  readonly topics: TopicRegistry;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tasks that run again and again. */
export class Maintenance {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timers: Map<string, number> = new Map();
  readonly #running: Set<Promise<void>> = new Set();
  #isClosed = false;

  private constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Begins with pauses. */
  static start(options: MaintenanceOptions): Maintenance {
    const { directory, topics, config, clock, logger } = options;
    const maintenance = new Maintenance(clock, logger);
    maintenance.#schedule("Retention", config.get("log.retention.check.interval.ms"), async () => {
      await topics.applyRetention();
      directory.removeExpiredProducers(clock.now());
    });
    const checkpointMs = config.get("log.flush.offset.checkpoint.interval.ms");
    maintenance.#schedule("Checkpoint", checkpointMs, () => topics.checkpoint());
    return maintenance;
  }

  /** Stops, once tasks under way have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #schedule(name: string, intervalMs: number, task: () => Promise<void>): void {
    if (this.#isClosed) return;
    const run = () => {
      const running = task()
        .catch((error) => this.#logger.error(`${name} failed`, { error }))
        .finally(() => {
          this.#running.delete(running);
          this.#schedule(name, intervalMs, task);
        });
      this.#running.add(running);
    };
    this.#timers.set(name, this.#clock.setTimeout(run, intervalMs));
  }
}
