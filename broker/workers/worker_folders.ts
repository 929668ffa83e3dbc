/**
 * Where brokers in workers have their data: in the folder of the first, under `workers/`, by their number
 * among the brokers of the process.
 *
 * @module
 */

import { isLogName } from "../../storage/directory/data_folder.ts";
import type { FileSystem } from "../../storage/file_system/file_system.ts";

const FOLDER = "workers";

/** The data folder of a broker in a worker. */
export function workerFolder(data: string, number: number): string {
  return `${data}/${FOLDER}/${number}`;
}

/** Whether a path is that of a worker's data folder. */
export function isWorkerFolder(path: string): boolean {
  return /(?:^|\/)workers\/\d+$/.test(path);
}

/** The data folders of all brokers in workers. */
export function workerFolders(fs: FileSystem, data: string): string[] {
  const parent = `${data}/${FOLDER}`;
  if (fs.statSync(parent)?.isDirectory !== true) return [];
  return fs.readDirSync(parent)
    .filter(({ name, isDirectory }) => isDirectory && /^\d+$/.test(name))
    .map(({ name }) => Number(name))
    .sort((a, b) => a - b)
    .map((number) => workerFolder(data, number));
}

/** The data folder of a worker that has logs. */
export interface WorkerLogs {
  readonly folder: string;
  /** Number of the broker among those of the process. */
  readonly number: number;
  readonly logCount: number;
}

/** The data folders of workers that have logs. */
export function workersWithLogs(fs: FileSystem, data: string): WorkerLogs[] {
  return workerFolders(fs, data).map((folder) => ({
    folder,
    number: Number(folder.slice(folder.lastIndexOf("/") + 1)),
    logCount: fs.readDirSync(folder).filter(({ name }) => isLogName(name)).length,
  })).filter(({ logCount }) => logCount > 0);
}
