/**
 * The data folder around the logs: the names of its files, its owner, and how it is opened.
 *
 * `../log_directory.ts` holds the logs; `OffsetCheckpoints` writes their offset checkpoints.
 *
 * @module
 */

export type { MetaProperties } from "./meta_properties.ts";
