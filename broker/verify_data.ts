/**
 * Checks the data folder of a stopped broker.
 *
 * @module
 */

import type { FileSystem } from "../storage/file_system/file_system.ts";
import {
  type DataFolderReport,
  verifyDataFolder,
  type VerifyOptions,
} from "../storage/verify/mod.ts";
import { MetadataTopics } from "./cluster/metadata_topics.ts";

/**
 * Checks all logs of a data folder, or a single log's folder, including against the topics of the
 * cluster metadata. Changes nothing. The folder must not be in use.
 *
 * @throws {StorageError} If the folder contains no logs.
 * @throws {FileSystemError} If a file cannot be read.
 */
export function verifyData(
  fs: FileSystem,
  path: string,
  options: Omit<VerifyOptions, "expected"> = {},
): Promise<DataFolderReport> {
  return verifyDataFolder(fs, path, { ...options, expected: new MetadataTopics() });
}
