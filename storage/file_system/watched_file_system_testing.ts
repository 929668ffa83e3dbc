/**
 * A file system for tests that records operations, and lets a test delay them or make them fail.
 *
 * @module
 */

import {
  type DirectoryEntry,
  type File,
  type FileInfo,
  type FileLock,
  type FileMode,
  type FileSystem,
  FileSystemError,
  type OpenOptions,
} from "./file_system.ts";

/** Forwards everything to another file system, unless a hook does something else. */
export class WatchedFileSystem implements FileSystem {
  readonly inner: FileSystem;
  /** Paths of synced files and folders, in order. */
  readonly synced: string[] = [];
  /** Paths of files that were opened or read as a whole. */
  readonly opened: string[] = [];
  /** Number of bytes read from open files. */
  bytesRead = 0;
  /** Called before an append; returns how many bytes to write if not all, or throws. */
  onAppend: (path: string, bytes: Uint8Array) => number | void = () => {};
  /** Called before a file or folder is synced. */
  onSync: (path: string) => Promise<void> | void = () => {};
  /** Called before a file is truncated. */
  onTruncate: (path: string) => void = () => {};
  /** Called before an asynchronous read. */
  onRead: (path: string, position: number) => Promise<void> | void = () => {};
  /** Called before a file is created or replaced. */
  onCreate: (path: string) => void = () => {};
  /** Called before a file or folder is renamed. */
  onRename: (path: string, newPath: string) => void = () => {};
  /** Called before a file or folder is removed. */
  onRemove: (path: string) => void = () => {};

  constructor(inner: FileSystem) {
    this.inner = inner;
  }

  openSync(path: string, mode: FileMode, options: OpenOptions = {}): File {
    if (options.create && this.inner.statSync(path) === undefined) this.onCreate(path);
    this.opened.push(path);
    const file = this.inner.openSync(path, mode, options);
    return {
      appendSync: (bytes) => {
        const count = this.onAppend(path, bytes);
        return file.appendSync(count === undefined ? bytes : bytes.subarray(0, count));
      },
      writeSync: (bytes, position) => {
        const count = this.onAppend(path, bytes);
        return file.writeSync(count === undefined ? bytes : bytes.subarray(0, count), position);
      },
      readSync: (into, position) => {
        const count = file.readSync(into, position);
        this.bytesRead += count;
        return count;
      },
      read: async (into, position) => {
        await this.onRead(path, position);
        const count = await file.read(into, position);
        this.bytesRead += count;
        return count;
      },
      truncateSync: (size) => {
        this.onTruncate(path);
        file.truncateSync(size);
      },
      syncData: async () => {
        await this.onSync(path);
        await file.syncData();
        this.synced.push(path);
      },
      close: () => file.close(),
    };
  }

  readFileSync(path: string): Uint8Array {
    this.opened.push(path);
    return this.inner.readFileSync(path);
  }

  writeFileSync(path: string, bytes: Uint8Array): void {
    this.onCreate(path);
    this.inner.writeFileSync(path, bytes);
  }

  statSync(path: string): FileInfo | undefined {
    return this.inner.statSync(path);
  }

  readDirSync(path: string): DirectoryEntry[] {
    return this.inner.readDirSync(path);
  }

  mkdirSync(path: string): void {
    this.inner.mkdirSync(path);
  }

  renameSync(path: string, newPath: string): void {
    this.onRename(path, newPath);
    this.inner.renameSync(path, newPath);
  }

  async remove(path: string): Promise<void> {
    this.onRemove(path);
    await this.inner.remove(path);
  }

  removeSync(path: string): void {
    this.onRemove(path);
    this.inner.removeSync(path);
  }

  async syncDir(path: string): Promise<void> {
    await this.onSync(path);
    await this.inner.syncDir(path);
    this.synced.push(path);
  }

  syncDirSync(path: string): void {
    this.inner.syncDirSync(path);
    this.synced.push(path);
  }

  lock(path: string, note: string): Promise<FileLock | string> {
    return this.inner.lock(path, note);
  }
}

/** The error of a full disk. */
export function diskFull(path: string): FileSystemError {
  return new FileSystemError("append to", path, "ENOSPC", "No space left on device");
}

/** The error of a failing disk. */
export function diskBroken(path: string): FileSystemError {
  return new FileSystemError("sync", path, "EIO", "Input/output error");
}
