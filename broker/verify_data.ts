/**
 * Checks the data folder of a broker that has stopped.
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
 * Checks all logs of a data folder, or one by its folder, also against the topics of the cluster's
 * metadata. Nothing is changed; nobody else may use the folder meanwhile.
 *
 * @throws {StorageError} If the folder is none of logs.
 * @throws {FileSystemError} If a file cannot be read.
 */
export function verifyData(
  fs: FileSystem,
  path: string,
  options: Omit<VerifyOptions, "expected"> = {},
): Promise<DataFolderReport> {
  return verifyDataFolder(fs, path, { ...options, expected: new MetadataTopics() });
}
