/**
 * A failing disk for tests: a file system in memory whose operations can be delayed, can fail, and
 * can be interrupted by a crash of the machine.
 *
 * All randomness comes from one source, and operations that wait for the disk wait until `complete`
 * is called. So the same calls always have the same outcome.
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
import type { MemoryFile, MemoryFileSystem } from "./memory_file_system.ts";

/** The operations that can be made to fail. `sync` covers files and folders. */
export type FailingOperation =
  | "append"
  | "create"
  | "read"
  | "remove"
  | "rename"
  | "sync"
  | "truncate";

/** A scheduled failure. */
interface Failure {
  readonly operation: FailingOperation;
  readonly code: string;
  /** Number of operations of its kind that succeed before it. */
  left: number;
}

/** An operation that waits for the disk. */
interface Waiting {
  readonly operation: FailingOperation;
  readonly complete: () => void;
}

/** Forwards everything to a file system in memory, unless it fails. */
export class FaultyFileSystem implements FileSystem {
  readonly disk: MemoryFileSystem;
  /** Returns random numbers from 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  /** Free space on the disk, in bytes; appends take it, truncation frees it. */
  freeBytes = Infinity;
  /** Probability that an append is partial. */
  shortWriteRate = 0;
  /** Probability that `complete` skips a waiting sync. */
  slowSyncRate = 0;
  #failures: Failure[] = [];
  #waiting: Waiting[] = [];
  #changesLeft = Infinity;
  #hasCrashed = false;
  #failureCount = 0;

  constructor(disk: MemoryFileSystem, random: () => number) {
    this.disk = disk;
    this.random = random;
  }

  /**
   * Whether the machine crashed. Operations have no effect any more, and waiting ones never
   * complete.
   */
  get hasCrashed(): boolean {
    return this.#hasCrashed;
  }

  /** Number of failed operations so far. */
  get failureCount(): number {
    return this.#failureCount;
  }

  /** Number of operations waiting for the disk. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Crashes the machine in the middle of the `changes`-th change from now. */
  crashAfter(changes: number): void {
    this.#changesLeft = changes;
  }

  /** Crashes the machine now. */
  crash(): void {
    this.#hasCrashed = true;
    this.#waiting = [];
  }

  /** Makes an operation fail, after `left` successful ones of its kind. */
  failNext(operation: FailingOperation, code: string, left = 0): void {
    this.#failures.push({ operation, code, left });
  }

  /** Cancels scheduled failures, and frees all space. */
  heal(): void {
    this.#failures = [];
    this.freeBytes = Infinity;
    this.shortWriteRate = 0;
    this.slowSyncRate = 0;
  }

  /** Completes one of the waiting operations; returns whether there was one. */
  complete(): boolean {
    const { length } = this.#waiting;
    if (length === 0) return false;
    const index = Math.floor(this.random() * length);
    const { operation, complete } = this.#waiting[index]!;
    if (operation === "sync" && this.random() < this.slowSyncRate) return true;
    this.#waiting.splice(index, 1);
    complete();
    return true;
  }

  openSync(path: string, mode: FileMode, options: OpenOptions = {}): File {
    this.#ensureUp("open", path);
    const creates = options.create === true && this.disk.statSync(path) === undefined;
    const file = creates
      ? this.#change("create", path, () => this.disk.openMemoryFile(path, mode, options))
      : this.disk.openMemoryFile(path, mode, options);
    return new FaultyFile(this, file, {
      change: (operation, apply, applyPart) => this.#change(operation, path, apply, applyPart),
      check: (operation) => this.#check(operation, path),
      failed: (operation, code) => this.#failed(operation, path, code),
      wait: (operation, begin) => this.#wait(operation, path, begin),
    });
  }

  readFileSync(path: string): Uint8Array {
    this.#check("read", path);
    return this.disk.readFileSync(path);
  }

  writeFileSync(path: string, bytes: Uint8Array): void {
    const write = (size: number) => {
      this.freeBytes += this.disk.statSync(path)?.size ?? 0;
      const taken = Math.min(size, Math.max(0, this.freeBytes));
      this.disk.writeFileSync(path, bytes.subarray(0, taken));
      this.freeBytes -= taken;
      if (taken < size) throw this.#failed("append", path, "ENOSPC");
    };
    this.#change("create", path, () => write(bytes.length), (part) => {
      write(Math.floor(bytes.length * part));
    });
  }

  statSync(path: string): FileInfo | undefined {
    return this.disk.statSync(path);
  }

  readDirSync(path: string): DirectoryEntry[] {
    this.#ensureUp("list", path);
    return this.disk.readDirSync(path);
  }

  mkdirSync(path: string): void {
    this.#change("create", path, () => this.disk.mkdirSync(path));
  }

  renameSync(path: string, newPath: string): void {
    this.#change("rename", path, () => this.disk.renameSync(path, newPath));
  }

  remove(path: string): Promise<void> {
    return this.#wait("remove", path, () => () => this.disk.removeSync(path));
  }

  removeSync(path: string): void {
    this.#change("remove", path, () => this.disk.removeSync(path));
  }

  syncDir(path: string): Promise<void> {
    return this.#wait("sync", path, () => this.disk.beginSyncDir(path));
  }

  syncDirSync(path: string): void {
    this.#change("sync", path, () => this.disk.syncDirSync(path));
  }

  async lock(path: string, note: string): Promise<FileLock | string> {
    this.#change("create", path, () => {});
    return await this.disk.lock(path, note);
  }

  /** Runs a change of the disk: `apply` does all of it, `applyPart` a fraction from 0 to 1. */
  #change<T>(
    operation: FailingOperation,
    path: string,
    apply: () => T,
    applyPart?: (part: number) => void,
  ): T {
    this.#check(operation, path);
    if (--this.#changesLeft > 0) return apply();
    const fate = this.random() * 3;
    if (fate >= 2) apply();
    else if (fate >= 1) applyPart?.(fate - 1);
    this.crash();
    throw this.#failed(operation, path, "EIO", "the machine is down");
  }

  /** Starts an operation that `complete` ends; `begin` returns what it does then. */
  #wait(operation: FailingOperation, path: string, begin: () => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ensureUp(operation, path);
      const end = begin();
      const complete = () => {
        try {
          if (operation === "read") this.#check(operation, path);
          resolve(operation === "read" ? end() : this.#change(operation, path, end));
        } catch (error) {
          // An operation on a crashed machine never completes.
          if (!this.#hasCrashed) reject(error);
        }
      };
      this.#waiting.push({ operation, complete });
    });
  }

  #check(operation: FailingOperation, path: string): void {
    this.#ensureUp(operation, path);
    const failure = this.#failures.find((failure) => failure.operation === operation);
    if (failure !== undefined && failure.left-- <= 0) {
      this.#failures.splice(this.#failures.indexOf(failure), 1);
      throw this.#failed(operation, path, failure.code);
    }
    if (operation === "create" && this.freeBytes <= 0) {
      throw this.#failed(operation, path, "ENOSPC");
    }
  }

  #ensureUp(operation: string, path: string): void {
    if (this.#hasCrashed) throw this.#failed(operation, path, "EIO", "the machine is down");
  }

  #failed(operation: string, path: string, code: string, problem = code): FileSystemError {
    if (!this.#hasCrashed) this.#failureCount++;
    return new FileSystemError(operation, path, code, problem);
  }
}

/** The part of the file system that its files use. */
interface FileOperations {
  change<T>(operation: FailingOperation, apply: () => T, applyPart?: (part: number) => void): T;
  check(operation: FailingOperation): void;
  failed(operation: FailingOperation, code: string): FileSystemError;
  wait(operation: FailingOperation, begin: () => () => void): Promise<void>;
}

class FaultyFile implements File {
  readonly #fs: FaultyFileSystem;
  readonly #file: MemoryFile;
  readonly #operations: FileOperations;

  constructor(fs: FaultyFileSystem, file: MemoryFile, operations: FileOperations) {
    this.#fs = fs;
    this.#file = file;
    this.#operations = operations;
  }

  appendSync(bytes: Uint8Array): number {
    return this.#append(bytes, (taken) => this.#file.appendSync(taken));
  }

  writeSync(bytes: Uint8Array, position: number): number {
    return this.#append(bytes, (taken) => this.#file.writeSync(taken, position));
  }

  #append(bytes: Uint8Array, append: (taken: Uint8Array) => number): number {
    const fs = this.#fs;
    const isShort = bytes.length > 1 && fs.random() < fs.shortWriteRate;
    const wanted = isShort ? 1 + Math.floor(fs.random() * (bytes.length - 1)) : bytes.length;
    const size = Math.min(wanted, Math.max(0, fs.freeBytes));
    return this.#operations.change("append", () => {
      if (size === 0 && bytes.length > 0) throw this.#operations.failed("append", "ENOSPC");
      fs.freeBytes -= size;
      return append(bytes.subarray(0, size));
    }, (part) => {
      append(bytes.subarray(0, Math.floor(size * part)));
    });
  }

  readSync(into: Uint8Array, position: number): number {
    this.#operations.check("read");
    return this.#file.readSync(into, position);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let count = 0;
    await this.#operations.wait("read", () => () => {
      count = this.#file.readSync(into, position);
    });
    return count;
  }

  truncateSync(size: number): void {
    this.#operations.change("truncate", () => {
      this.#fs.freeBytes += Math.max(0, this.#file.dataSize - size);
      this.#file.truncateSync(size);
    });
  }

  async syncData(): Promise<void> {
    try {
      await this.#operations.wait("sync", () => this.#file.beginSync());
    } catch (error) {
      this.#file.failSync();
      throw error;
    }
  }

  close(): void {
    this.#file.close();
  }
}
