/**
 * The data folder around the logs: names of its files, whose it is, and how it is opened.
 *
 * `../log_directory.ts` holds the logs and their checkpoints.
 *
 * @module
 */

export type { MetaProperties } from "./meta_properties.ts";
