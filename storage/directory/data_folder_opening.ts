/**
 * What is done to a data folder before its logs are opened: it is created if need be, what is known from
 * the last time is read, and folders of logs that are missing are created again.
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
 * Nothing is changed by it, so that the next start finds the folder as it was once the log is back.
 *
 * @throws {StorageError} If a log is not there though others are, or the checkpoint has it.
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
    `Cannot open data folder "${path}": it has no folder "${name}", without which nobody knows what ` +
      `the ${others.length} others are; restore it from a copy`,
  );
}

/**
 * Creates a folder, and those above it that are not there, so that they are there after a crash. One that
 * is there may have been created by a process that was killed before it could see to that.
 */
export async function createFolder(fs: FileSystem, path: string): Promise<void> {
  const parent = parentOf(path);
  if (fs.statSync(parent) === undefined) await createFolder(fs, parent);
  fs.mkdirSync(path);
  await fs.syncDir(parent);
}

/** Brings to disk what a process may have written without doing so, before anything is based on it. */
export async function syncCheckpointFiles(fs: FileSystem, path: string): Promise<void> {
  for (const name of [RECOVERY_POINT_FILE_NAME, LOG_START_FILE_NAME, CLEANER_FILE_NAME]) {
    if (fs.statSync(`${path}/${name}`) !== undefined) await syncFile(fs, `${path}/${name}`);
  }
}

/** Says of a new folder that no log in it has a recovery point, so that it can be told when that is lost. */
export async function beginCheckpoints(fs: FileSystem, path: string): Promise<void> {
  const checkpointPath = `${path}/${RECOVERY_POINT_FILE_NAME}`;
  if (fs.statSync(checkpointPath) !== undefined) return;
  if (fs.readDirSync(path).some(({ isDirectory }) => isDirectory)) return;
  fs.writeFileSync(checkpointPath, formatOffsetCheckpoint(new Map()));
  await syncFile(fs, checkpointPath);
}

/** The segments of all logs at the last clean shutdown; a file that is damaged is as good as none. */
export function closedSegments(fs: FileSystem, path: string): ClosedSegments | undefined {
  try {
    return readSegmentCheckpoint(fs, `${path}/${SEGMENT_FILE_NAME}`);
  } catch (error) {
    if (error instanceof CorruptFileError) return undefined;
    throw error;
  }
}

/** A checkpoint that is damaged is as good as none: logs are then checked from their beginning. */
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
 * Creates the folders again of logs that had records, as both checkpoints say: one that is damaged may
 * have any name.
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
