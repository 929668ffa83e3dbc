/**
 * A data folder that a command has for itself, checked, as `log verify` and `log repair` need it.
 *
 * @module
 */

import { DenoFileSystem } from "../../storage/deno_file_system.ts";
import { LOCK_FILE_NAME } from "../../storage/data_folder.ts";
import {
  dataFolderOf,
  type DataFolderReport,
  type Finding,
  verifyDataFolder,
} from "../../storage/verify/mod.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import { Progress } from "../progress.ts";

/** What to check, and how. */
export interface VerifiedFolderOptions {
  /** The folder, as it was given. */
  readonly path: string;
  /** What is done with it, for messages: `verify`. */
  readonly action: string;
  readonly withRecords: boolean;
}

/** What to do with a folder that was checked. */
export type FolderUse = (
  fs: DenoFileSystem,
  path: string,
  report: DataFolderReport,
) => Promise<void>;

/**
 * Checks a data folder, or that of a partition, and lets `use` go on with it, while no broker can start
 * on it.
 *
 * @throws {CommandError} If there is no such folder, or a broker uses it.
 */
export async function withVerifiedFolder(
  context: Context,
  { path: given, action, withRecords }: VerifiedFolderOptions,
  use: FolderUse,
): Promise<void> {
  const fs = new DenoFileSystem();
  const path = given.length > 1 ? given.replace(/\/+$/, "") : given;
  if (!fs.statSync(path)?.isDirectory) {
    throw new CommandError(`Cannot ${action} "${given}": there is no such folder`);
  }
  const dataFolder = dataFolderOf(fs, path);
  // Where there is no lock no broker has been, and none is made for the looking.
  const lockPath = dataFolder === undefined ? undefined : `${dataFolder}/${LOCK_FILE_NAME}`;
  const lock = lockPath !== undefined && fs.statSync(lockPath) !== undefined
    ? await fs.lock(lockPath, `process ${Deno.pid}`)
    : undefined;
  if (typeof lock === "string") {
    throw new CommandError(
      `Cannot ${action} "${given}": it is in use by ${lock || "another process"}; stop that first`,
    );
  }
  try {
    await use(fs, path, await verify(context, fs, path, withRecords));
  } finally {
    lock?.release();
  }
}

async function verify(
  context: Context,
  fs: DenoFileSystem,
  path: string,
  withRecords: boolean,
): Promise<DataFolderReport> {
  let progress: Progress | undefined;
  try {
    return await verifyDataFolder(fs, path, {
      withRecords,
      signal: context.signal,
      onSize: (total) => {
        progress = new Progress(context, { label: "Verifying", unit: "bytes", total });
      },
      onProgress: (bytes) => progress!.add(bytes),
    });
  } finally {
    progress?.finish();
  }
}

/** Everything that is wrong, the folder's own files first. */
export function findingsOf({ findings, partitions }: DataFolderReport): Finding[] {
  return [...findings, ...partitions.flatMap((partition) => partition.findings)];
}
