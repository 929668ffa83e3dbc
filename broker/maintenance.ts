/**
 * Periodic tasks of a broker, each followed by a pause: retention
 * (`log.retention.check.interval.ms`), checkpoints (`log.flush.offset.checkpoint.interval.ms`),
 * compaction (`log.cleaner.backoff.ms`) and, if partitions can have replicas, checkpoints of the high
 * watermarks (`replica.high.watermark.checkpoint.interval.ms`).
 *
 * @module
 */

import type { LogDirectory } from "../storage/mod.ts";
import type { Clock } from "./time/clock.ts";
import type { BrokerConfig } from "./settings/config.ts";
import type { Logger } from "./logger.ts";
import type { TopicRegistry } from "./topics/topic_registry.ts";

/** Options of {@linkcode Maintenance.start}. */
export interface MaintenanceOptions {
  readonly directory: LogDirectory;
  readonly topics: TopicRegistry;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each checkpoint. */
  readonly onCheckpoint?: (() => Promise<void>) | undefined;
}

/** A setting that defines a pause. */
type Interval =
  | "log.cleaner.backoff.ms"
  | "log.flush.offset.checkpoint.interval.ms"
  | "log.retention.check.interval.ms"
  | "replica.high.watermark.checkpoint.interval.ms";

/** Runs the periodic tasks. */
export class Maintenance {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timers: Map<string, number> = new Map();
  readonly #running: Set<Promise<void>> = new Set();
  readonly #closing = new AbortController();

  private constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Starts the tasks, each after its pause. */
  static start(options: MaintenanceOptions): Maintenance {
    const { directory, topics, config, clock, logger } = options;
    const maintenance = new Maintenance(clock, logger);
    const schedule = (name: string, interval: Interval, task: () => Promise<void>) =>
      maintenance.#schedule(name, () => config.get(interval), task);
    schedule("Retention", "log.retention.check.interval.ms", async () => {
      await topics.applyRetention();
      directory.removeExpiredProducers(clock.now());
    });
    const { signal } = maintenance.#closing;
    schedule("Checkpoint", "log.flush.offset.checkpoint.interval.ms", async () => {
      await topics.checkpoint(signal);
      await options.onCheckpoint?.();
    });
    if (config.get("log.cleaner.enable")) {
      schedule("Compaction", "log.cleaner.backoff.ms", () => topics.compact(signal));
    }
    if (topics.canHaveReplicas) {
      const interval = "replica.high.watermark.checkpoint.interval.ms";
      schedule("High watermark checkpoint", interval, () => topics.checkpointHighWatermarks());
    }
    return maintenance;
  }

  /** Stops after running tasks have ended. Compactions and checkpoints are aborted. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #schedule(name: string, intervalMs: () => number, task: () => Promise<void>): void {
    if (this.#closing.signal.aborted) return;
    const run = () => {
      const running = task()
        .catch((error) => this.#logger.error(`${name} failed`, { error }))
        .finally(() => {
          this.#running.delete(running);
          this.#schedule(name, intervalMs, task);
        });
      this.#running.add(running);
    };
    this.#timers.set(name, this.#clock.setTimeout(run, intervalMs()));
  }
}
