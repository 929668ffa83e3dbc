/**
 * Verifies a data folder, or the folder of one partition.
 *
 * @module
 */

import { readOffsetCheckpoint } from "../file_system/checkpoint_file.ts";
import {
  CLEAN_SHUTDOWN_FILE_NAME,
  CLEANER_FILE_NAME,
  isLogName,
  LOG_START_FILE_NAME,
  RECOVERY_POINT_FILE_NAME,
  SEGMENT_FILE_NAME,
} from "../directory/data_folder.ts";
import { CorruptFileError, StorageError } from "../errors.ts";
import { type FileSystem, parentOf } from "../file_system/file_system.ts";
import { META_PROPERTIES_FILE_NAME, readMetaProperties } from "../directory/meta_properties.ts";
import { type ClosedSegments, readSegmentCheckpoint } from "../segment/segment_checkpoint.ts";
import { LOG_SUFFIX, offsetOf } from "../segment/segment_file_name.ts";
import type { ExpectedLogs } from "./expected_logs.ts";
import type { Finding, MissingLog, PartitionReport } from "./report.ts";
import { verifyPartition } from "./verify_partition.ts";

/** How to verify. */
export interface VerifyOptions {
  /** Whether to decode records too, which takes several times as long. Default: false. */
  readonly withRecords?: boolean;
  /** Collects the expected logs from the log that lists them. Default: they are not known. */
  readonly expected?: ExpectedLogs;
  readonly signal?: AbortSignal;
  /** Called with the total number of bytes to check. */
  readonly onSize?: (bytes: number) => void;
  /** Called with the number of bytes checked since the last call. */
  readonly onProgress?: (bytes: number) => void;
  /** Called with the report of each log when it is complete. */
  readonly onPartition?: (report: PartitionReport) => void;
}

/** The result of verifying a data folder. */
export interface DataFolderReport {
  /** Problems of the folder's own files. */
  readonly findings: readonly Finding[];
  /** Paths of unusable files. */
  readonly wrongFiles: readonly string[];
  readonly partitions: readonly PartitionReport[];
  /** Logs without a folder. */
  readonly missing: readonly MissingLog[];
  /** Whether the last shutdown was clean. True for a partition's folder on its own. */
  readonly isClean: boolean;
}

/** The data folder of a path, which has the lock and the checkpoints, if there is one. */
export function dataFolderOf(fs: FileSystem, path: string): string | undefined {
  const parent = parentOf(path);
  if (isLogName(nameOf(path)) && isDataFolder(fs, parent)) return parent;
  const hasSegments = fs.readDirSync(path)
    .some(({ name }) => offsetOf(name, LOG_SUFFIX) !== undefined);
  return hasSegments ? undefined : path;
}

function isDataFolder(fs: FileSystem, path: string): boolean {
  return fs.statSync(`${path}/${META_PROPERTIES_FILE_NAME}`) !== undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * Verifies all logs of a data folder, or one log by its folder. Changes nothing. The folder must
 * not be in use.
 *
 * @throws {StorageError} If the folder is neither a data folder nor a partition's folder.
 * @throws {FileSystemError} If a file cannot be read.
 */
export async function verifyDataFolder(
  fs: FileSystem,
  path: string,
  options: VerifyOptions = {},
): Promise<DataFolderReport> {
  const dataFolder = dataFolderOf(fs, path);
  const findings: Finding[] = [];
  const checkpoint = (name: string) => readCheckpoint(fs, dataFolder, name, findings);
  const recoveryPoints = checkpoint(RECOVERY_POINT_FILE_NAME);
  const logStartOffsets = checkpoint(LOG_START_FILE_NAME);
  const compacted = checkpoint(CLEANER_FILE_NAME);
  const isCleanerKnown = dataFolder !== undefined &&
    !findings.some(({ path }) => path.endsWith(CLEANER_FILE_NAME));
  const isClean = dataFolder === undefined ||
    fs.statSync(`${dataFolder}/${CLEAN_SHUTDOWN_FILE_NAME}`) !== undefined;
  const closed = isClean ? readClosed(fs, dataFolder, findings) : undefined;
  const endOf = (name: string) => {
    const end = closed?.get(name)?.at(-1)?.endOffset;
    const point = recoveryPoints.get(name);
    return end === undefined ? point : Math.max(end, point ?? 0);
  };
  const isWhole = dataFolder === path;
  if (isWhole) checkProperties(fs, path, findings);
  const wrongFiles = findings.map((finding) => finding.path);
  const names = isWhole ? namesOf(fs, path, options.expected?.source) : [nameOf(path)];
  const expected = isWhole ? options.expected : undefined;
  if (isWhole && names.length === 0 && !isDataFolder(fs, path)) {
    throw new StorageError(
      `Cannot verify "${path}": it is neither a data folder nor a partition's folder`,
    );
  }
  if (isWhole && isClean && !wrongFiles.includes(`${path}/${RECOVERY_POINT_FILE_NAME}`)) {
    compareNames(path, names, recoveryPoints, findings);
  }
  const folders = names.map((name) => ({ name, folder: isWhole ? `${path}/${name}` : path }));
  options.onSize?.(folders.reduce((size, { folder }) => size + sizeOf(fs, folder), 0));
  const partitions: PartitionReport[] = [];
  for (const { name, folder } of folders) {
    options.signal?.throwIfAborted();
    const report = await verifyPartition({
      fs,
      name,
      folder,
      isClean: isClean && (dataFolder === undefined || endOf(name) !== undefined),
      recoveryPoint: endOf(name),
      closed: closed?.get(name) ?? (closed && recoveryPoints.get(name) === 0 ? [] : undefined),
      logStartOffset: logStartOffsets.get(name),
      isCompacted: !isCleanerKnown || compacted.has(name),
      expected,
      withRecords: options.withRecords ?? false,
      signal: options.signal,
      onProgress: options.onProgress,
    });
    partitions.push(report);
    options.onPartition?.(report);
  }
  const missing = isWhole
    ? missingLogs({ path, names, isClean, recoveryPoints, closed, logStartOffsets, expected })
    : [];
  findings.push(...missing.map(missingFinding));
  return { findings, wrongFiles, partitions, missing, isClean };
}

/** The names of all logs, first the one that lists the expected logs. */
function namesOf(fs: FileSystem, path: string, first: string | undefined): string[] {
  const names = fs.readDirSync(path)
    .filter(({ name, isDirectory }) => isDirectory && isLogName(name))
    .map(({ name }) => name).sort();
  return [...names.filter((name) => name === first), ...names.filter((name) => name !== first)];
}

/** The expected and the existing logs. */
interface FolderContents {
  readonly path: string;
  readonly names: readonly string[];
  readonly isClean: boolean;
  readonly recoveryPoints: ReadonlyMap<string, number>;
  readonly closed: ClosedSegments | undefined;
  readonly logStartOffsets: ReadonlyMap<string, number>;
  readonly expected: ExpectedLogs | undefined;
}

/**
 * The missing logs. A clean shutdown leaves a folder for each log with a recovery point. After a
 * crash a recovery point may belong to a deleted topic, or the folder may not have been created.
 */
function missingLogs(contents: FolderContents): MissingLog[] {
  const { path, names, isClean, recoveryPoints, closed, logStartOffsets, expected } = contents;
  const there = new Set(names);
  const missing = new Set<string>();
  if (isClean) {
    for (const name of [...recoveryPoints.keys(), ...closed?.keys() ?? []]) {
      if (!there.has(name)) missing.add(name);
    }
  }
  const source = expected?.source;
  const hasSource = source === undefined || there.has(source);
  if (!hasSource && there.size > 0) missing.add(source);
  const isKnown = expected?.isKnown === true && hasSource;
  for (const { name } of isKnown ? expected.logs() : []) {
    const wasThere = (recoveryPoints.get(name) ?? 0) > 0 && !expected!.hadDeletedTopic(name);
    if (!there.has(name) && (isClean || wasThere)) missing.add(name);
  }
  return Array.from(missing, (name) => ({
    name,
    folder: `${path}/${name}`,
    logStartOffset: logStartOffsets.get(name) ?? 0,
    recoveryPoint: Math.max(
      recoveryPoints.get(name) ?? 0,
      closed?.get(name)?.at(-1)?.endOffset ?? 0,
    ),
    topicId: isKnown ? expected!.topicIdOf(name) : undefined,
    isCertain: (isKnown && expected!.topicIdOf(name) !== undefined) ||
      (recoveryPoints.has(name) && closed?.has(name) === true),
  }));
}

function missingFinding({ name, folder, logStartOffset, recoveryPoint }: MissingLog): Finding {
  const records = recoveryPoint > logStartOffset
    ? `, which had offsets ${logStartOffset} to ${recoveryPoint - 1},`
    : "";
  return { path: folder, problem: `the folder of "${name}"${records} is missing` };
}

function readCheckpoint(
  fs: FileSystem,
  dataFolder: string | undefined,
  name: string,
  findings: Finding[],
): Map<string, number> {
  if (dataFolder === undefined) return new Map();
  const path = `${dataFolder}/${name}`;
  try {
    return readOffsetCheckpoint(fs, path);
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error;
    findings.push({ path, problem: error.problem });
    return new Map();
  }
}

/** The segments at the last clean shutdown; `undefined` if they are not known. */
function readClosed(
  fs: FileSystem,
  dataFolder: string | undefined,
  findings: Finding[],
): ClosedSegments | undefined {
  if (dataFolder === undefined) return undefined;
  const path = `${dataFolder}/${SEGMENT_FILE_NAME}`;
  try {
    return readSegmentCheckpoint(fs, path);
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error;
    findings.push({ path, problem: error.problem });
    return undefined;
  }
}

function checkProperties(fs: FileSystem, folder: string, findings: Finding[]): void {
  const path = `${folder}/${META_PROPERTIES_FILE_NAME}`;
  try {
    readMetaProperties(fs, path);
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error;
    findings.push({ path, problem: error.problem });
  }
}

/** A clean shutdown leaves a recovery point for each log. */
function compareNames(
  folder: string,
  names: readonly string[],
  recoveryPoints: ReadonlyMap<string, number>,
  findings: Finding[],
): void {
  const path = `${folder}/${RECOVERY_POINT_FILE_NAME}`;
  for (const name of names) {
    if (!recoveryPoints.has(name)) {
      findings.push({ path, problem: `it has no entry for "${name}"` });
    }
  }
}

/** Total size of a log's segments, in bytes. */
function sizeOf(fs: FileSystem, folder: string): number {
  let size = 0;
  for (const { name } of fs.readDirSync(folder)) {
    if (offsetOf(name, LOG_SUFFIX) === undefined) continue;
    size += fs.statSync(`${folder}/${name}`)?.size ?? 0;
  }
  return size;
}
