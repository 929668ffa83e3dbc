/**
 * All that storage asks of a file system; Deno's file functions and memory are the two that give it.
 *
 * Synchronous and asynchronous operations are mixed on purpose. What only reaches the page cache
 * (appends, truncation, renames, small reads) is synchronous: a hop to another thread costs twenty
 * times what it does. What waits for a disk (large reads, syncing) is asynchronous.
 *
 * Invariants that implementations keep:
 * - A file is written at its end only: where it ends or, if it was extended with zeros, where its data
 *   does. No other byte of it changes but by truncation.
 * - What was appended is read back at once, by any other open file of the same path.
 * - A rename is atomic and replaces what was there. Open files survive rename and removal.
 * - After a power failure a file has the bytes of its last sync, and maybe later ones, torn or
 *   missing; a name has what it stood for at its folder's last `syncDir`, or later.
 *
 * @module
 */

import type { DescriptorReserve } from "./descriptor_reserve.ts";

/** Why an operation failed: the POSIX name. `UNKNOWN` where the system gives none. */
export type FileSystemErrorCode =
  | "ENOENT"
  | "EEXIST"
  | "ENOSPC"
  | "EDQUOT"
  | "EIO"
  | "EACCES"
  | "EMFILE"
  | "ENFILE"
  | "UNKNOWN"
  | (string & Record<never, never>);

/** An operation that the file system refused or failed. */
export class FileSystemError extends Error {
  override name = "FileSystemError";
  readonly code: FileSystemErrorCode;
  readonly path: string;

  constructor(
    operation: string,
    path: string,
    code: FileSystemErrorCode,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot ${operation} "${path}": ${problem}`, options);
    this.code = code;
    this.path = path;
  }
}

/** Whether `error` says that a file or folder is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof FileSystemError && error.code === "ENOENT";
}

/** Whether `error` says that there is no room left. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof FileSystemError && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** Whether `error` says that too many files are open, by this process or on this machine. */
export function isTooManyFiles(error: unknown): boolean {
  return error instanceof FileSystemError && (error.code === "EMFILE" || error.code === "ENFILE");
}

/** Size and kind of a file or folder. */
export interface FileInfo {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  /** In bytes. */
  readonly size: number;
  /** When the content last changed, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** One name in a folder. */
export interface DirectoryEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

/**
 * `append` may read and append; `write` may read and write at a position, and does not create; `read`
 * may only read, and does not create.
 */
export type FileMode = "append" | "write" | "read";

/** How to open a file. */
export interface OpenOptions {
  /** Whether to create the file if it is not there. Default: false. */
  readonly create?: boolean;
}

/** An open file. All methods throw {@linkcode FileSystemError}. */
export interface File {
  /**
   * Appends bytes with one write, which may take only some of them.
   *
   * @returns How many were written.
   */
  appendSync(bytes: Uint8Array): number;
  /**
   * Writes bytes at `position` with one write, which may take only some of them. The file must be open
   * for `write`, and have nothing but zeros from there on.
   *
   * @returns How many were written.
   */
  writeSync(bytes: Uint8Array, position: number): number;
  /**
   * Reads from `position` until `into` is full or the file ends.
   *
   * @returns How many bytes were read.
   */
  readSync(into: Uint8Array, position: number): number;
  /** Like `readSync`, without holding up the program. Reads of one file may be started together. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Cuts the file to `size` bytes, or extends it to that with zeros, which take no room yet. */
  truncateSync(size: number): void;
  /** Resolves when the file's bytes and size are on disk (fdatasync). */
  syncData(): Promise<void>;
  /** Closes the file. Closing twice is allowed. */
  close(): void;
}

/** An exclusive claim on a file, which ends with the process that has it. */
export interface FileLock {
  /** Gives the claim up. Giving it up twice is allowed. */
  release(): void;
}

/** A tree of folders and files. All methods but `statSync` throw {@linkcode FileSystemError}. */
export interface FileSystem {
  /** What files are opened from where descriptors are short, if the file system has such. */
  readonly descriptors?: DescriptorReserve | undefined;
  /** Opens a file. */
  openSync(path: string, mode: FileMode, options?: OpenOptions): File;
  /** The whole content of a small file. */
  readFileSync(path: string): Uint8Array;
  /** Replaces the content of a file, creating it if need be. Neither atomic nor synced. */
  writeFileSync(path: string, bytes: Uint8Array): void;
  /** What is at a path, or `undefined` if nothing is. */
  statSync(path: string): FileInfo | undefined;
  /** What a folder holds, in no particular order. */
  readDirSync(path: string): DirectoryEntry[];
  /** Creates a folder and those above it. It may be there already. */
  mkdirSync(path: string): void;
  /** Renames a file or folder, replacing a file that has the new name. */
  renameSync(path: string, newPath: string): void;
  /** Removes a file, or a folder with all in it. It is no error if nothing is there. */
  remove(path: string): Promise<void>;
  /** Like `remove`, for a small file. */
  removeSync(path: string): void;
  /** Resolves when creations, renames and removals in a folder are on disk. */
  syncDir(path: string): Promise<void>;
  /**
   * Claims a file for this process, creating it if need be, and writes `note` in it.
   *
   * @returns The claim, or the note of whoever has it already.
   */
  lock(path: string, note: string): Promise<FileLock | string>;
}

/** Appends all of `bytes`, with as many writes as it takes. */
export function appendFullySync(file: File, bytes: Uint8Array): void {
  let written = file.appendSync(bytes);
  while (written < bytes.length) {
    written += file.appendSync(bytes.subarray(written));
  }
}

/**
 * Replaces the content of a file so that after a crash it has either the old or the new content
 * whole: writes beside it, syncs, renames, syncs the folder.
 */
export async function replaceFile(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  fs.writeFileSync(temporary, bytes);
  await syncFile(fs, temporary);
  fs.renameSync(temporary, path);
  await fs.syncDir(parentOf(path));
}

/**
 * Replaces the content of a file so that a kill of this process leaves either the old or the new
 * content: writes beside it and renames. Not synced, so a power failure may leave neither.
 */
export function replaceFileSync(fs: FileSystem, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  try {
    fs.writeFileSync(temporary, bytes);
  } catch (error) {
    // On a full disk the file may be there, empty or in part.
    fs.removeSync(temporary);
    throw error;
  }
  fs.renameSync(temporary, path);
}

/** Resolves when the content of a file is on disk. */
export function syncFile(fs: FileSystem, path: string): Promise<void> {
  const sync = async () => {
    const file = fs.openSync(path, "append");
    try {
      await file.syncData();
    } finally {
      file.close();
    }
  };
  return fs.descriptors?.use(sync) ?? sync();
}

/** The folder a path is in. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "." : end === 0 ? "/" : path.slice(0, end);
}
