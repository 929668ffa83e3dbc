/**
 * The topic id of a partition's folder: `partition.metadata`.
 *
 *     version: 0
 *     topic_id: 4v_2pRHCQ5K2LNRfgJ3mEg
 *
 * @module
 */

import { CorruptFileError } from "../errors.ts";
import { type FileSystem, isNotFound, replaceFileSync } from "../file_system/file_system.ts";

/** Name of the file in a partition's folder. */
export const PARTITION_METADATA_FILE_NAME = "partition.metadata";

/** Writes the file in a partition's folder, without a sync. */
export function writePartitionMetadata(fs: FileSystem, path: string, topicId: string): void {
  const text = `version: 0\ntopic_id: ${topicId}`;
  replaceFileSync(fs, path, new TextEncoder().encode(text));
}

/**
 * Reads the topic id from the file in a partition's folder; `undefined` if the file is missing, or
 * empty after a crash.
 *
 * @throws {CorruptFileError} If the content is invalid.
 */
export function readPartitionMetadata(fs: FileSystem, path: string): string | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(fs.readFileSync(path));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  if (text === "") return undefined;
  const match = /^version: 0\r?\ntopic_id: ([\w-]{22})\s*$/.exec(text);
  if (match === null || !isUuid(match[1]!)) {
    throw new CorruptFileError(path, `its text is ${JSON.stringify(text)}`);
  }
  return match[1]!;
}

/** Whether 22 characters of base64url encode 16 bytes: the last one has only two bits. */
function isUuid(text: string): boolean {
  return /[AQgw]$/.test(text);
}
