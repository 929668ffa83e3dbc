/**
 * How a data folder is opened, and logs are created in it.
 *
 * @module
 */

import type { LogOfflineError } from "../errors.ts";
import type { LogConfig } from "../log/log_config.ts";
import type { LogDamage } from "../log/log_reader.ts";
import type { Milliseconds } from "../log/producers/producer_state_manager.ts";

/** How to open a data folder. */
export interface LogDirectoryOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Who opens it, for the error of a second opener: for instance `process 4711`. */
  readonly owner?: string | undefined;
  /** Name of a log without which the others are of no use. Default: none. */
  readonly requiredLog?: string | undefined;
  /** Gives the settings of an existing log by its name. Default: Kafka's defaults. */
  readonly configOf?: ((name: string) => LogConfig) | undefined;
  /** Maximum number of open files. Default: 1000. */
  readonly maxOpenFiles?: number | undefined;
  /** Memory for the newest batches of all logs, in bytes. Default: 64 MiB. */
  readonly batchCacheBytes?: number | undefined;
  /** Memory for indexes of inactive segments, in bytes. Default: 64 MiB. */
  readonly indexCacheBytes?: number | undefined;
  /** Called for damage that a read finds, once for each damaged range. */
  readonly onDamage?: ((damage: LogDamage) => void) | undefined;
  /** Called with the name of a log when it goes offline, and why. */
  readonly onOffline?: ((log: string, error: LogOfflineError) => void) | undefined;
  /** Called with each sync of a log when it begins. */
  readonly onSyncing?: ((sync: Promise<void>) => void) | undefined;
  /** Called after each sync of a log, with its duration in milliseconds. */
  readonly onFlush?: ((durationMs: number) => void) | undefined;
  /** `producer.id.expiration.ms`, or a function that returns it. Default: one day. */
  readonly producerIdExpirationMs?: Milliseconds | undefined;
}

/** How to create a log. */
export interface LogCreateOptions {
  readonly nowMs: number;
  /** Default: Kafka's defaults. */
  readonly config?: LogConfig | undefined;
  /** Id of the topic, 22 characters of base64url. */
  readonly topicId?: string | undefined;
}
