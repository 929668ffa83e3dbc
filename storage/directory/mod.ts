/**
 * The data folder around the logs: the names of its files, its owner, and how it is opened.
 *
 * `../log_directory.ts` holds the logs; `OffsetCheckpoints` writes their offset checkpoints,
 * `HighWatermarkCheckpoint` the high watermarks of replicas.
 *
 * @module
 */

export { NO_BROKER_EPOCH } from "./clean_shutdown.ts";
export type { HighWatermarkCheckpoint } from "./high_watermark_checkpoint.ts";
export type { MetaProperties } from "./meta_properties.ts";
