/**
 * The file system interface of storage, implemented over Deno's file functions and in memory.
 *
 * Synchronous and asynchronous operations are mixed on purpose. Operations on the page cache
 * (appends, truncation, renames, small reads) are synchronous: a hop to another thread costs twenty
 * times as much. Operations that wait for a disk (large reads, syncs) are asynchronous.
 *
 * Invariants that implementations keep:
 * - A file is written only at its end or, if it was extended with zeros, at the end of its data.
 *   Other bytes change only by truncation.
 * - Appended bytes are immediately visible to any other open file of the same path.
 * - A rename is atomic and replaces an existing file. Open files survive rename and removal.
 * - After a power failure a file has the bytes of its last sync; later ones may be there, torn or
 *   missing. A name refers to what it did at its folder's last `syncDir`, or later.
 *
 * @module
 */

import type { DescriptorReserve } from "./descriptor_reserve.ts";

/** Why an operation failed: the POSIX error name, or `UNKNOWN` if the system gives none. */
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

/** A failed file system operation. */
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

/** Whether `error` says that a file or folder does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof FileSystemError && error.code === "ENOENT";
}

/** Whether `error` says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof FileSystemError && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** Whether `error` says that too many files are open, by this process or on this machine. */
export function isTooManyFiles(error: unknown): boolean {
  return error instanceof FileSystemError && (error.code === "EMFILE" || error.code === "ENFILE");
}

/** Size and kind of a file or folder. */
export interface FileInfo {
  /** Whether it is a regular file. */
  readonly isFile: boolean;
  /** Whether it is a folder. */
  readonly isDirectory: boolean;
  /** In bytes. */
  readonly size: number;
  /** When the content last changed, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** One entry of a folder. */
export interface DirectoryEntry {
  /** The name within the folder. */
  readonly name: string;
  /** Whether it is a regular file. */
  readonly isFile: boolean;
  /** Whether it is a folder. */
  readonly isDirectory: boolean;
}

/**
 * `append` allows reads and appends; `write` allows reads and writes at a position, and does not
 * create; `read` allows only reads, and does not create.
 */
export type FileMode = "append" | "write" | "read";

/** How to open a file. */
export interface OpenOptions {
  /** Whether to create the file if it does not exist. Default: false. */
  readonly create?: boolean;
}

/** An open file. All methods throw {@linkcode FileSystemError}. */
export interface File {
  /**
   * Appends bytes with one write, which may be partial.
   *
   * @returns How many bytes were written.
   */
  appendSync(bytes: Uint8Array): number;
  /**
   * Writes bytes at `position` with one write, which may be partial. The file must be open for
   * `write`, and have only zeros from there on.
   *
   * @returns How many bytes were written.
   */
  writeSync(bytes: Uint8Array, position: number): number;
  /**
   * Reads from `position` until `into` is full or the file ends.
   *
   * @returns How many bytes were read.
   */
  readSync(into: Uint8Array, position: number): number;
  /** Like `readSync`, without blocking the event loop. Reads of one file may overlap. */
  read(into: Uint8Array, position: number): Promise<number>;
  /**
   * Cuts the file to `size` bytes, or extends it to that with zeros, which take no space on disk.
   */
  truncateSync(size: number): void;
  /** Resolves when the file's bytes and size are on disk (fdatasync). */
  syncData(): Promise<void>;
  /** Closes the file. Closing twice is allowed. */
  close(): void;
}

/** An exclusive lock on a file, which ends with the process that holds it. */
export interface FileLock {
  /** Releases the lock. Releasing twice is allowed. */
  release(): void;
}

/** A tree of folders and files. All methods but `statSync` throw {@linkcode FileSystemError}. */
export interface FileSystem {
  /** Spare descriptors for when the process runs out of them, if the file system has any. */
  readonly descriptors?: DescriptorReserve | undefined;
  /** Opens a file. */
  openSync(path: string, mode: FileMode, options?: OpenOptions): File;
  /** The whole content of a small file. */
  readFileSync(path: string): Uint8Array;
  /** Replaces the content of a file, or creates it. Neither atomic nor synced. */
  writeFileSync(path: string, bytes: Uint8Array): void;
  /** Size and kind of what is at a path, or `undefined` if it does not exist. */
  statSync(path: string): FileInfo | undefined;
  /** The entries of a folder, in no particular order. */
  readDirSync(path: string): DirectoryEntry[];
  /** Creates a folder and its parents. It may exist already. */
  mkdirSync(path: string): void;
  /** Renames a file or folder, replacing an existing file. */
  renameSync(path: string, newPath: string): void;
  /** Removes a file, or a folder with its content. Does nothing if it does not exist. */
  remove(path: string): Promise<void>;
  /** Like `remove`, for a small file. */
  removeSync(path: string): void;
  /** Resolves when creations, renames and removals in a folder are on disk. */
  syncDir(path: string): Promise<void>;
  /** Like `syncDir`. Stops everything else meanwhile. */
  syncDirSync(path: string): void;
  /**
   * Locks a file for this process, creating it if necessary, and writes `note` to it.
   *
   * @returns The lock, or the note of its current holder.
   */
  lock(path: string, note: string): Promise<FileLock | string>;
}

/** Appends all of `bytes`, with as many writes as necessary. */
export function appendFullySync(file: File, bytes: Uint8Array): void {
  let written = file.appendSync(bytes);
  while (written < bytes.length) {
    written += file.appendSync(bytes.subarray(written));
  }
}

/**
 * Replaces the content of a file so that after a crash it has either the old or the new content:
 * writes a temporary file, syncs it, renames it and syncs the folder.
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
 * content: writes a temporary file and renames it. Does not sync, so a power failure may leave
 * neither.
 */
export function replaceFileSync(fs: FileSystem, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  try {
    fs.writeFileSync(temporary, bytes);
  } catch (error) {
    // On a full disk the file may exist, empty or partial.
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

/** The parent folder of a path. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "." : end === 0 ? "/" : path.slice(0, end);
}
