/**
 * Locks and verifies a data folder, for `log verify` and `log repair`.
 *
 * @module
 */

import { DenoFileSystem } from "../../../storage/file_system/deno_file_system.ts";
import { type VerifiedFolder, verifyAllData } from "../../../broker/offline/verify_data.ts";
import { LOCK_FILE_NAME } from "../../../storage/directory/data_folder.ts";
import { type FileLock, FileSystemError } from "../../../storage/file_system/file_system.ts";
import { dataFolderOf, type Finding } from "../../../storage/verify/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { CommandError } from "../../errors.ts";
import { Progress } from "../../terminal/progress.ts";

/** What to verify, and how. */
interface VerifiedFolderOptions {
  /** The folder as given by the user. */
  readonly path: string;
  /** The action, for error messages: `verify`. */
  readonly action: string;
  /** Whether nothing is written, so the folder need not be writable. */
  readonly isReadOnly: boolean;
  readonly withRecords: boolean;
}

/** Error codes of a folder that cannot be written to. */
const NOT_WRITABLE: readonly string[] = ["EROFS", "EACCES", "EPERM"];

/** Called with a verified folder. */
type FolderUse = (
  fs: DenoFileSystem,
  folders: readonly VerifiedFolder[],
) => Promise<void>;

/**
 * Verifies a data folder, or the folder of a partition, and calls `use` while no broker can start
 * on it.
 *
 * @throws {CommandError} If there is no such folder, or a broker uses it.
 */
export async function withVerifiedFolder(
  context: Context,
  { path: given, action, isReadOnly, withRecords }: VerifiedFolderOptions,
  use: FolderUse,
): Promise<void> {
  const fs = new DenoFileSystem();
  const path = given.length > 1 ? given.replace(/\/+$/, "") : given;
  if (!fs.statSync(path)?.isDirectory) {
    throw new CommandError(`Cannot ${action} "${given}": there is no such folder`);
  }
  const dataFolder = dataFolderOf(fs, path);
  // Without a lock file no broker has used the folder, and verifying does not create one.
  const lockPath = dataFolder === undefined ? undefined : `${dataFolder}/${LOCK_FILE_NAME}`;
  const lock = lockPath !== undefined && fs.statSync(lockPath) !== undefined
    ? await lockFolder(fs, lockPath, isReadOnly)
    : undefined;
  if (typeof lock === "string") {
    throw new CommandError(
      `Cannot ${action} "${given}": it is in use by ${lock || "another process"}; stop that first`,
    );
  }
  try {
    await use(fs, await verify(context, fs, path, withRecords));
  } finally {
    lock?.release();
  }
}

/** Prevents brokers from using a folder, also if the folder is not writable. */
export async function lockFolder(
  fs: DenoFileSystem,
  path: string,
  isReadOnly: boolean,
): Promise<FileLock | string> {
  try {
    return await fs.lock(path, `process ${Deno.pid}`);
  } catch (error) {
    const isRefused = error instanceof FileSystemError && NOT_WRITABLE.includes(error.code);
    if (!isReadOnly || !isRefused) throw error;
    return await fs.lockForReading(path);
  }
}

async function verify(
  context: Context,
  fs: DenoFileSystem,
  path: string,
  withRecords: boolean,
): Promise<VerifiedFolder[]> {
  let progress: Progress | undefined;
  try {
    return await Array.fromAsync(verifyAllData(fs, path, {
      withRecords,
      signal: context.signal,
      onSize: (total) => {
        progress?.finish();
        progress = new Progress(context, { label: "Verifying", unit: "bytes", total });
      },
      onProgress: (bytes) => progress!.add(bytes),
    }));
  } finally {
    progress?.finish();
  }
}

/** All findings, in each folder those about its own files first. */
export function findingsOf(folders: readonly VerifiedFolder[]): Finding[] {
  return folders.flatMap(({ report: { findings, partitions } }) => [
    ...findings,
    ...partitions.flatMap((partition) => partition.findings),
  ]);
}
