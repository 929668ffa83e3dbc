/**
 * A bounded number of open files, shared by all logs: 10,000 partitions have many more files than a
 * process may have descriptors.
 *
 * A `PooledFile` is opened when it is used, and may be closed between uses. It has up to two
 * descriptors, each counted: one that appends, reads synchronously and syncs, and one for
 * asynchronous reads, which would move the position of the first. The least recently used
 * descriptor is closed when another is needed.
 *
 * Invariants: a descriptor is never closed while an asynchronous operation uses it. Asynchronous
 * operations wait rather than keep all descriptors except a reserve busy, so that synchronous ones,
 * which cannot wait, find one to close. The bound is exceeded only if it is smaller than the
 * reserve.
 *
 * @module
 */

import { type File, type FileMode, type FileSystem, isTooManyFiles } from "./file_system.ts";

/** Descriptors that asynchronous operations leave for synchronous ones. */
const RESERVE = 8;
/** Open files that the pool keeps when the process is short of descriptors. */
const KEPT_IN_SHORTAGE = 16;

/** Settings of a pool. */
export interface FilePoolOptions {
  /** Maximum number of open descriptors. Default: 1000. */
  readonly maxOpenFiles?: number;
}

/** Bounds the number of open files. */
export class FilePool {
  readonly fs: FileSystem;
  readonly #maxOpenFiles: number;
  readonly #maxBusyFiles: number;
  /** A ring of all open descriptors; the next one is the most recently used. */
  readonly #ring = new Descriptor();
  readonly #waiting: (() => void)[] = [];
  readonly #leaveReserve: (() => void) | undefined;
  #openFiles = 0;
  #busyFiles = 0;

  constructor(fs: FileSystem, options: FilePoolOptions = {}) {
    this.fs = fs;
    this.#maxOpenFiles = options.maxOpenFiles ?? 1000;
    this.#maxBusyFiles = Math.max(1, this.#maxOpenFiles - RESERVE);
    this.#leaveReserve = fs.descriptors?.onShortage(
      () => this.#openFiles > KEPT_IN_SHORTAGE && this.#closeOldest(),
    );
  }

  /** Ends the pool's part in shortages of descriptors. The pool must no longer be used. */
  leave(): void {
    this.#leaveReserve?.();
  }

  /** Number of open descriptors. */
  get openFiles(): number {
    return this.#openFiles;
  }

  /** A file of this pool. Does not open it yet. */
  file(path: string): PooledFile {
    return new PooledFile(this, path);
  }

  /** For {@linkcode PooledFile}: marks a descriptor as the most recently used. */
  touch(descriptor: Descriptor): void {
    if (this.#ring.next === descriptor) return;
    descriptor.unlink();
    descriptor.linkAfter(this.#ring);
  }

  /** For {@linkcode PooledFile}: opens a file, closing others to stay within the bound. */
  open(path: string, mode: FileMode, create: boolean): Descriptor {
    while (this.#openFiles >= this.#maxOpenFiles && this.#closeOldest());
    const descriptor = new Descriptor();
    descriptor.file = this.#openSync(path, mode, create);
    descriptor.linkAfter(this.#ring);
    this.#openFiles++;
    return descriptor;
  }

  /** Opens a file. If the process is out of descriptors, closes files of the pool first. */
  #openSync(path: string, mode: FileMode, create: boolean): File {
    for (;;) {
      try {
        return this.fs.openSync(path, mode, { create });
      } catch (error) {
        if (!isTooManyFiles(error) || !this.#closeOldest()) throw error;
      }
    }
  }

  /** Closes the least recently used idle descriptor. Returns false if there is none. */
  #closeOldest(): boolean {
    let oldest = this.#ring.previous;
    while (oldest.users > 0) oldest = oldest.previous;
    if (oldest === this.#ring) return false;
    this.close(oldest);
    return true;
  }

  /** For {@linkcode PooledFile}: closes a descriptor, after the last operation on it. */
  close(descriptor: Descriptor): void {
    if (descriptor.users > 0) {
      descriptor.closing = true;
      return;
    }
    if (descriptor.file === undefined) return;
    const file = descriptor.file;
    descriptor.file = undefined;
    descriptor.unlink();
    this.#openFiles--;
    file.close();
  }

  /** For {@linkcode PooledFile}: resolves when another descriptor may be kept busy. */
  async roomForBusy(): Promise<void> {
    while (!this.hasRoomForBusy) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** For {@linkcode PooledFile}: whether another descriptor may be kept busy now. */
  get hasRoomForBusy(): boolean {
    // In a shortage, the spare descriptors are for synchronous operations, which cannot wait.
    const isShort = this.fs.descriptors?.isShort ?? false;
    return this.#busyFiles < (isShort ? 1 : this.#maxBusyFiles);
  }

  /** For {@linkcode PooledFile}: keeps a descriptor open until it is released. */
  hold(descriptor: Descriptor): void {
    if (descriptor.users++ === 0) this.#busyFiles++;
  }

  /** For {@linkcode PooledFile}: the opposite of `hold`. */
  release(descriptor: Descriptor): void {
    if (--descriptor.users > 0) return;
    this.#busyFiles--;
    if (descriptor.closing) this.close(descriptor);
    const descriptors = this.fs.descriptors;
    if (descriptors?.isShort) descriptors.refill();
  }

  /** For {@linkcode PooledFile}: starts a waiting operation if there is room. */
  wakeNext(): void {
    if (this.hasRoomForBusy) this.#waiting.shift()?.();
  }
}

/** An open file in the ring of its pool. */
class Descriptor {
  file: File | undefined;
  /** Number of asynchronous operations in progress. */
  users = 0;
  /** Whether to close it after the last of them. */
  closing = false;
  next: Descriptor = this;
  previous: Descriptor = this;

  unlink(): void {
    this.next.previous = this.previous;
    this.previous.next = this.next;
    this.next = this;
    this.previous = this;
  }

  linkAfter(other: Descriptor): void {
    this.next = other.next;
    this.previous = other;
    other.next.previous = this;
    other.next = this;
  }
}

/** A file that its pool opens on use and may close when it is idle. */
export class PooledFile {
  readonly #pool: FilePool;
  #path: string;
  #appending: Descriptor | undefined;
  #isExtended = false;
  #reading: Descriptor | undefined;

  /** For {@linkcode FilePool.file}. */
  constructor(pool: FilePool, path: string) {
    this.#pool = pool;
    this.#path = path;
  }

  /** Current path of the file. */
  get path(): string {
    return this.#path;
  }

  /** Creates an empty file if it does not exist. */
  createSync(): void {
    this.#appender(true);
  }

  /** Whether the file was extended with zeros and not truncated since. */
  get isExtended(): boolean {
    return this.#isExtended;
  }

  /** Extends the file to `size` bytes with zeros, which later appends overwrite. */
  extendSync(size: number): void {
    this.#setExtended(true);
    this.#appender().truncateSync(size);
  }

  /**
   * Appends with one write.
   *
   * @param dataEnd End of the bytes appended before.
   * @returns How many bytes were written; may be fewer than given.
   */
  appendSync(bytes: Uint8Array, dataEnd: number): number {
    const file = this.#appender();
    return this.#isExtended ? file.writeSync(bytes, dataEnd) : file.appendSync(bytes);
  }

  /** Reads from `position` until `into` is full or the file ends; returns the count. */
  readSync(into: Uint8Array, position: number): number {
    return this.#appender().readSync(into, position);
  }

  /** Truncates the file, including zeros that it was extended with. */
  truncateSync(size: number): void {
    this.#appender().truncateSync(size);
    this.#setExtended(false);
  }

  /**
   * Closes the appending descriptor if the mode changes: appends overwrite zeros if the file was
   * extended.
   */
  #setExtended(isExtended: boolean): void {
    if (this.#isExtended === isExtended) return;
    this.#isExtended = isExtended;
    if (this.#appending !== undefined) this.#pool.close(this.#appending);
    this.#appending = undefined;
  }

  /** Like `readSync`, without blocking the event loop. */
  read(into: Uint8Array, position: number): Promise<number> {
    return this.#busy(
      () => this.#reading = this.#ready(this.#reading, "read", false),
      (file) => file.read(into, position),
    );
  }

  /** Resolves when the bytes appended before the call are on disk. */
  syncData(): Promise<void> {
    return this.#busy(
      () => this.#appending = this.#ready(this.#appending, this.#mode, false),
      (file) => file.syncData(),
    );
  }

  async #busy<T>(ready: () => Descriptor, operation: (file: File) => Promise<T>): Promise<T> {
    if (!this.#pool.hasRoomForBusy) await this.#pool.roomForBusy();
    let descriptor: Descriptor | undefined;
    try {
      descriptor = ready();
      this.#pool.hold(descriptor);
      return await operation(descriptor.file!);
    } finally {
      if (descriptor !== undefined) this.#pool.release(descriptor);
      // Also if this operation failed to start: it may have been woken instead of another.
      this.#pool.wakeNext();
    }
  }

  /** Renames the file. Operations in progress continue. */
  renameSync(newPath: string): void {
    this.#pool.fs.renameSync(this.#path, newPath);
    this.#path = newPath;
  }

  /** Sets the new path of the file after its folder was renamed. */
  moved(newPath: string): void {
    this.#path = newPath;
  }

  /** Closes the file's descriptors, after operations in progress. Using it opens it again. */
  close(): void {
    if (this.#appending !== undefined) this.#pool.close(this.#appending);
    if (this.#reading !== undefined) this.#pool.close(this.#reading);
    this.#appending = undefined;
    this.#reading = undefined;
  }

  #appender(create = false): File {
    this.#appending = this.#ready(this.#appending, this.#mode, create);
    return this.#appending.file!;
  }

  get #mode(): FileMode {
    return this.#isExtended ? "write" : "append";
  }

  #ready(descriptor: Descriptor | undefined, mode: FileMode, create: boolean): Descriptor {
    if (descriptor?.file === undefined) return this.#pool.open(this.#path, mode, create);
    this.#pool.touch(descriptor);
    return descriptor;
  }
}
