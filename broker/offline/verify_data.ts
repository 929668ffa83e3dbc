/**
 * Checks the data folder of a stopped broker.
 *
 * @module
 */

import type { FileSystem } from "../../storage/file_system/file_system.ts";
import {
  META_PROPERTIES_FILE_NAME,
  type MetaProperties,
  readMetaProperties,
} from "../../storage/directory/meta_properties.ts";
import { CorruptFileError } from "../../storage/errors.ts";
import {
  dataFolderOf,
  type DataFolderReport,
  verifyDataFolder,
  type VerifyOptions,
} from "../../storage/verify/mod.ts";
import { MetadataTopics } from "../cluster/metadata_topics.ts";
import { isWorkerFolder, workerFolders } from "../workers/worker_folders.ts";

type VerifyDataOptions = Omit<VerifyOptions, "expected">;

/**
 * Checks all logs of a data folder, or a single log's folder, including against the topics of the
 * cluster metadata. Changes nothing. The folder must not be in use.
 *
 * @throws {StorageError} If the folder contains no logs.
 * @throws {FileSystemError} If a file cannot be read.
 */
export async function verifyData(
  fs: FileSystem,
  path: string,
  options: VerifyDataOptions = {},
): Promise<DataFolderReport> {
  return await verify(fs, path, options, expectedIn(fs, path));
}

/** A data folder that was checked. */
export interface VerifiedFolder {
  readonly path: string;
  readonly report: DataFolderReport;
}

/**
 * Checks a data folder as {@linkcode verifyData} does, and then those of the brokers in workers that it
 * contains.
 *
 * @throws {StorageError} If the folder contains no logs.
 * @throws {FileSystemError} If a file cannot be read.
 */
export async function* verifyAllData(
  fs: FileSystem,
  path: string,
  options: VerifyDataOptions = {},
): AsyncGenerator<VerifiedFolder, void> {
  const known = expectedIn(fs, path);
  yield { path, report: await verify(fs, path, options, known) };
  if (dataFolderOf(fs, path) !== path) return;
  for (const folder of workerFolders(fs, path)) {
    const expected = new MetadataTopics(nodeIdOf(fs, folder), known);
    yield { path: folder, report: await verify(fs, folder, options, expected) };
  }
}

function verify(
  fs: FileSystem,
  path: string,
  options: VerifyDataOptions,
  expected: MetadataTopics | undefined,
): Promise<DataFolderReport> {
  return verifyDataFolder(fs, path, expected === undefined ? options : { ...options, expected });
}

/** The logs of a folder; not known in that of a worker, or where the metadata is in etcd. */
function expectedIn(fs: FileSystem, path: string): MetadataTopics | undefined {
  const properties = propertiesOf(fs, path);
  const isElsewhere = isWorkerFolder(path) || properties?.metadata !== undefined;
  return isElsewhere ? undefined : new MetadataTopics(properties?.nodeId);
}

/** The broker that a folder belongs to, if it can be read. */
function nodeIdOf(fs: FileSystem, path: string): number | undefined {
  return propertiesOf(fs, path)?.nodeId;
}

function propertiesOf(fs: FileSystem, path: string): MetaProperties | undefined {
  try {
    return readMetaProperties(fs, `${path}/${META_PROPERTIES_FILE_NAME}`);
  } catch (error) {
    // Reported as a problem of the folder.
    if (error instanceof CorruptFileError) return undefined;
    throw error;
  }
}
