/**
 * The file system of the machine, over Deno's file functions.
 *
 * Traps: `Deno.FsFile` has no positional read, and synchronous and asynchronous reads move the same
 * position. So files for appending are opened with O_APPEND, which writes at the end regardless of
 * the position, and asynchronous reads of one file are serialized; code that mixes both kinds of
 * reads on a path must open it twice, as `FilePool` does. Before Deno 2.7 there is no `tryLock`,
 * and a lock that is not acquired within a second counts as held by another process.
 *
 * @module
 */

import { type DescriptorReserve, isOutOfDescriptors } from "./descriptor_reserve.ts";
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

/** How long to wait for a lock where the runtime has no `tryLock`. */
const LOCK_TIMEOUT_MS = 1000;

/** What Deno adds to `FsFile` from 2.7 on. */
interface TryLock {
  tryLockSync?(exclusive?: boolean): boolean;
}

/** The machine's file system. Needs read and write permission for the paths used. */
export class DenoFileSystem implements FileSystem {
  readonly descriptors: DescriptorReserve | undefined;

  /** @param descriptors Spare descriptors for when the process runs out of them. */
  constructor(descriptors?: DescriptorReserve) {
    this.descriptors = descriptors;
  }

  openSync(path: string, mode: FileMode, options: OpenOptions = {}): File {
    try {
      const openOptions = mode === "append"
        ? { read: true, append: true, create: options.create ?? false }
        : { read: true, write: mode === "write" };
      const file = this.#withRoom(() => Deno.openSync(path, openOptions));
      return new DenoFile(file, path);
    } catch (error) {
      throw wrap("open", path, error);
    }
  }

  readFileSync(path: string): Uint8Array {
    try {
      return this.#withRoom(() => Deno.readFileSync(path));
    } catch (error) {
      throw wrap("read", path, error);
    }
  }

  writeFileSync(path: string, bytes: Uint8Array): void {
    try {
      this.#withRoom(() => Deno.writeFileSync(path, bytes));
    } catch (error) {
      throw wrap("write", path, error);
    }
  }

  statSync(path: string): FileInfo | undefined {
    try {
      const info = Deno.statSync(path);
      return {
        isFile: info.isFile,
        isDirectory: info.isDirectory,
        size: info.size,
        modifiedMs: info.mtime?.getTime() ?? 0,
      };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw wrap("look up", path, error);
    }
  }

  readDirSync(path: string): DirectoryEntry[] {
    try {
      return this.#withRoom(() => Array.from(Deno.readDirSync(path)));
    } catch (error) {
      throw wrap("list", path, error);
    }
  }

  mkdirSync(path: string): void {
    try {
      Deno.mkdirSync(path, { recursive: true });
    } catch (error) {
      throw wrap("create folder", path, error);
    }
  }

  renameSync(path: string, newPath: string): void {
    try {
      Deno.renameSync(path, newPath);
    } catch (error) {
      throw wrap(`rename to "${newPath}"`, path, error);
    }
  }

  async remove(path: string): Promise<void> {
    try {
      await this.#withRoomLater(() => Deno.remove(path, { recursive: true }));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw wrap("remove", path, error);
    }
  }

  removeSync(path: string): void {
    try {
      Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw wrap("remove", path, error);
    }
  }

  async syncDir(path: string): Promise<void> {
    // Windows cannot open folders, and makes names durable without a sync.
    if (Deno.build.os === "windows") return;
    try {
      await this.#withRoomLater(async () => {
        using folder = await Deno.open(path, { read: true });
        await folder.sync();
      });
    } catch (error) {
      throw wrap("sync folder", path, error);
    }
  }

  syncDirSync(path: string): void {
    if (Deno.build.os === "windows") return;
    try {
      this.#withRoom(() => {
        using folder = Deno.openSync(path, { read: true });
        folder.syncSync();
      });
    } catch (error) {
      throw wrap("sync folder", path, error);
    }
  }

  /** Runs an operation that takes a descriptor, and retries while one can be freed. */
  #withRoom<T>(operation: () => T): T {
    for (;;) {
      try {
        return operation();
      } catch (error) {
        if (!isOutOfDescriptors(error) || !this.descriptors?.makeRoom()) throw error;
      }
    }
  }

  /** Like `#withRoom`, for asynchronous operations. */
  #withRoomLater<T>(operation: () => Promise<T>): Promise<T> {
    return this.descriptors?.use(operation) ?? operation();
  }

  async lock(path: string, note: string): Promise<FileLock | string> {
    return await this.#lock(path, { read: true, write: true, create: true }, note);
  }

  /**
   * Locks an existing file without writing to it, also on a read-only disk. The lock is shared: it
   * only excludes exclusive locks.
   *
   * @returns The lock, or the note of the holder of an exclusive lock.
   */
  async lockForReading(path: string): Promise<FileLock | string> {
    return await this.#lock(path, { read: true }, undefined);
  }

  async #lock(
    path: string,
    options: Deno.OpenOptions,
    note: string | undefined,
  ): Promise<FileLock | string> {
    let file: Deno.FsFile | undefined;
    try {
      file = Deno.openSync(path, options);
      if (!(await tryLock(file, note !== undefined))) return Deno.readTextFileSync(path);
      if (note !== undefined) {
        file.truncateSync(0);
        file.writeSync(new TextEncoder().encode(note));
      }
      const locked = file;
      file = undefined;
      let released = false;
      return {
        release(): void {
          if (released) return;
          released = true;
          locked.close();
        },
      };
    } catch (error) {
      throw wrap("lock", path, error);
    } finally {
      file?.close();
    }
  }
}

async function tryLock(file: Deno.FsFile & TryLock, exclusive: boolean): Promise<boolean> {
  if (file.tryLockSync) return file.tryLockSync(exclusive);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), LOCK_TIMEOUT_MS);
  });
  // A lock that is acquired too late ends with the file, which the caller closes.
  const locked = file.lock(exclusive).then(() => true, () => false);
  try {
    return await Promise.race([locked, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

class DenoFile implements File {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  #lastRead: Promise<unknown> | undefined;
  #closed = false;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  appendSync(bytes: Uint8Array): number {
    try {
      return this.#file.writeSync(bytes);
    } catch (error) {
      throw wrap("append to", this.#path, error);
    }
  }

  writeSync(bytes: Uint8Array, position: number): number {
    try {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      return this.#file.writeSync(bytes);
    } catch (error) {
      throw wrap("write to", this.#path, error);
    }
  }

  readSync(into: Uint8Array, position: number): number {
    try {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      let total = this.#file.readSync(into) ?? 0;
      while (total > 0 && total < into.length) {
        const count = this.#file.readSync(into.subarray(total));
        if (count === null) break;
        total += count;
      }
      return total;
    } catch (error) {
      throw wrap("read", this.#path, error);
    }
  }

  read(into: Uint8Array, position: number): Promise<number> {
    const read = this.#lastRead === undefined
      ? this.#readNow(into, position)
      : this.#lastRead.then(() => this.#readNow(into, position));
    const settled = read.then(ignore, ignore);
    this.#lastRead = settled;
    settled.then(() => {
      if (this.#lastRead === settled) this.#lastRead = undefined;
    });
    return read;
  }

  async #readNow(into: Uint8Array, position: number): Promise<number> {
    try {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      let total = 0;
      while (total < into.length) {
        const count = await this.#file.read(total === 0 ? into : into.subarray(total));
        if (count === null) break;
        total += count;
      }
      return total;
    } catch (error) {
      throw wrap("read", this.#path, error);
    }
  }

  truncateSync(size: number): void {
    try {
      this.#file.truncateSync(size);
    } catch (error) {
      throw wrap("truncate", this.#path, error);
    }
  }

  async syncData(): Promise<void> {
    try {
      await this.#file.syncData();
    } catch (error) {
      throw wrap("sync", this.#path, error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }
}

function ignore(): void {}

function wrap(operation: string, path: string, error: unknown): FileSystemError {
  const { code, message } = error as { code?: string; message: string };
  return new FileSystemError(operation, path, code ?? "UNKNOWN", message, { cause: error });
}
