/**
 * Opens the data folder of a broker.
 *
 * @module
 */

import {
  META_PROPERTIES_FILE_NAME,
  readMetaProperties,
} from "../../storage/directory/meta_properties.ts";
import type { LogOfflineError } from "../../storage/errors.ts";
import type { FileSystem } from "../../storage/file_system/file_system.ts";
import { LogDirectory } from "../../storage/log_directory.ts";
import type { Logger } from "../logger.ts";
import { METADATA_LOG_NAME } from "../metadata/local_metadata_store.ts";
import type { BrokerCounters } from "../metrics/broker_counters.ts";
import { LOCAL } from "./open_metadata.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";

/** The folder, and what reports its state. */
export interface DirectoryOptions {
  readonly fs: FileSystem;
  readonly path: string;
  /** Whether this broker may have a metadata store of its own in the folder. */
  readonly hasOwnStore: boolean;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: BrokerCounters;
  /** Called with the name of a log that has failed. */
  readonly onOffline: (log: string, error: LogOfflineError) => void;
  /** Called with the name of a log, and the first offset of records that were found damaged. */
  readonly onLoss: (log: string, offset: number) => void;
  /** Called with each sync when it begins. */
  readonly onSyncing: (sync: Promise<void>) => void;
}

/** Opens a data folder. */
export function openDirectory(options: DirectoryOptions): Promise<LogDirectory> {
  const { fs, path, hasOwnStore, config, clock, logger, counters } = options;
  const { onOffline, onLoss, onSyncing } = options;
  const isOwn = config.get("metadata") === LOCAL && !hasSharedMetadata(fs, path);
  return LogDirectory.open(fs, path, {
    nowMs: clock.now(),
    ...(isOwn && hasOwnStore ? { requiredLog: METADATA_LOG_NAME } : {}),
    owner: `process ${Deno.pid}`,
    maxOpenFiles: config.get("open.files.max"),
    batchCacheBytes: config.get("batch.cache.bytes"),
    producerIdExpirationMs: () => config.get("producer.id.expiration.ms"),
    onSyncing,
    onFlush: (durationMs) => counters.flushes.observe(durationMs),
    onOffline,
    onDamage: ({ log, path, position, endPosition, firstOffset, nextOffset, problem }) => {
      counters.damages++;
      logger.error("Found damaged records; they are not served", {
        log,
        firstOffset,
        lastOffset: nextOffset - 1,
        path,
        position,
        size: endPosition - position,
        problem,
      });
      onLoss(log, firstOffset);
    },
  });
}

/** Whether a data folder says that its metadata is elsewhere. */
function hasSharedMetadata(fs: FileSystem, path: string): boolean {
  try {
    return readMetaProperties(fs, `${path}/${META_PROPERTIES_FILE_NAME}`)?.metadata !== undefined;
  } catch {
    // Opening the folder reports what is wrong with it.
    return false;
  }
}
