/**
 * Prepares a data folder before its logs are opened: creates it if necessary, reads its
 * checkpoints, and recreates missing folders of logs.
 *
 * @module
 */

import { formatOffsetCheckpoint, readOffsetCheckpoint } from "../file_system/checkpoint_file.ts";
import {
  CLEANER_FILE_NAME,
  isLogName,
  LOG_START_FILE_NAME,
  RECOVERY_POINT_FILE_NAME,
  SEGMENT_FILE_NAME,
} from "./data_folder.ts";
import { CorruptFileError, StorageError } from "../errors.ts";
import { type FileSystem, parentOf, syncFile } from "../file_system/file_system.ts";
import { type ClosedSegments, readSegmentCheckpoint } from "../segment/segment_checkpoint.ts";

/**
 * Checks that the log without which the others are of no use is there. Changes nothing, so that the
 * next start finds the folder unchanged once the log is restored.
 *
 * @throws {StorageError} If the log is missing although there are others, or the checkpoint lists
 * it.
 */
export function checkRequiredLog(fs: FileSystem, path: string, name: string): void {
  if (fs.statSync(`${path}/${name}`) !== undefined) return;
  let point = 0;
  try {
    point = readOffsetCheckpoint(fs, `${path}/${RECOVERY_POINT_FILE_NAME}`).get(name) ?? 0;
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error;
  }
  const others = fs.readDirSync(path).filter((entry) => entry.isDirectory && isLogName(entry.name));
  if (point === 0 && others.length === 0) return;
  throw new StorageError(
    `Cannot open data folder "${path}": folder "${name}" is missing, which describes ` +
      `the other ${others.length} logs; restore it from a backup`,
  );
}

/**
 * Creates a folder and its missing parents, and syncs their names. Also syncs the name of an
 * existing folder: the process that created it may have been killed before its own sync.
 */
export async function createFolder(fs: FileSystem, path: string): Promise<void> {
  const parent = parentOf(path);
  if (fs.statSync(parent) === undefined) await createFolder(fs, parent);
  fs.mkdirSync(path);
  await fs.syncDir(parent);
}

/**
 * Syncs the checkpoints before they are relied on: a process that was killed may not have done so.
 */
export async function syncCheckpointFiles(fs: FileSystem, path: string): Promise<void> {
  for (const name of [RECOVERY_POINT_FILE_NAME, LOG_START_FILE_NAME, CLEANER_FILE_NAME]) {
    if (fs.statSync(`${path}/${name}`) !== undefined) await syncFile(fs, `${path}/${name}`);
  }
}

/**
 * Writes an empty recovery point checkpoint in a new folder, so that its loss can be noticed later.
 */
export async function beginCheckpoints(fs: FileSystem, path: string): Promise<void> {
  const checkpointPath = `${path}/${RECOVERY_POINT_FILE_NAME}`;
  if (fs.statSync(checkpointPath) !== undefined) return;
  if (fs.readDirSync(path).some(({ isDirectory }) => isDirectory)) return;
  fs.writeFileSync(checkpointPath, formatOffsetCheckpoint(new Map()));
  await syncFile(fs, checkpointPath);
}

/**
 * The segments of all logs at the last clean shutdown, or `undefined` if the file is missing or
 * damaged.
 */
export function closedSegments(fs: FileSystem, path: string): ClosedSegments | undefined {
  try {
    return readSegmentCheckpoint(fs, `${path}/${SEGMENT_FILE_NAME}`);
  } catch (error) {
    if (error instanceof CorruptFileError) return undefined;
    throw error;
  }
}

/** A checkpoint, or `undefined` if it is missing or damaged: logs are then checked from their start. */
export function offsetCheckpoint(
  fs: FileSystem,
  path: string,
  name: string,
): Map<string, number> | undefined {
  if (!fs.statSync(`${path}/${name}`)?.size) return undefined;
  try {
    return readOffsetCheckpoint(fs, `${path}/${name}`);
  } catch (error) {
    if (error instanceof CorruptFileError) return undefined;
    throw error;
  }
}

/**
 * Recreates the missing folders of logs that had records according to both checkpoints: a damaged
 * one may contain any name.
 */
export async function restoreFolders(
  fs: FileSystem,
  path: string,
  closed: ClosedSegments,
  recoveryPoints: ReadonlyMap<string, number> | undefined,
): Promise<void> {
  const there = new Set(fs.readDirSync(path).map(({ name }) => name));
  let count = 0;
  for (const [name, segments] of closed) {
    const isKnown = recoveryPoints?.has(name) !== false && segments.at(-1)!.endOffset > 0;
    if (there.has(name) || !isKnown || !isLogName(name)) continue;
    fs.mkdirSync(`${path}/${name}`);
    count++;
  }
  if (count > 0) await fs.syncDir(path);
}
