/**
 * Open files, shared by all logs and bounded in number: 10,000 partitions have many more files than
 * a process may have descriptors.
 *
 * A `PooledFile` is a file that is open only while it is used. It has up to two descriptors, each
 * counted: one that appends, reads synchronously and syncs, and one for asynchronous reads, which
 * would move the position of the first. The least recently used is closed when another is needed.
 *
 * Invariants: a descriptor is never closed while an asynchronous operation uses it. Asynchronous
 * operations wait when they would keep all descriptors but a reserve busy, so that synchronous ones,
 * which cannot wait, find one to close; the bound is then only passed if it is smaller than the
 * reserve.
 *
 * @module
 */

import { type File, type FileMode, type FileSystem, isTooManyFiles } from "./file_system.ts";

/** Descriptors that asynchronous operations leave to synchronous ones. */
const RESERVE = 8;
/** Open files that the pool keeps when others are short of descriptors. */
const KEPT_IN_SHORTAGE = 16;

/** Settings of a pool. */
export interface FilePoolOptions {
  /** How many descriptors may be open. Default: 1000. */
  readonly maxOpenFiles?: number;
}

/** Bounds how many files are open. */
export class FilePool {
  readonly fs: FileSystem;
  readonly #maxOpenFiles: number;
  readonly #maxBusyFiles: number;
  /** A ring through all open descriptors; the next one is the most recently used. */
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

  /** Says that the pool is not used any more, and need not be asked to make room. */
  leave(): void {
    this.#leaveReserve?.();
  }

  /** How many descriptors are open. */
  get openFiles(): number {
    return this.#openFiles;
  }

  /** A file of this pool. Opens nothing yet. */
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

  /** Where the system has no descriptor left, one of the pool's own is put to this use. */
  #openSync(path: string, mode: FileMode, create: boolean): File {
    for (;;) {
      try {
        return this.fs.openSync(path, mode, { create });
      } catch (error) {
        if (!isTooManyFiles(error) || !this.#closeOldest()) throw error;
      }
    }
  }

  /** Closes the file that was used least recently, of those not in use. False if all are. */
  #closeOldest(): boolean {
    let oldest = this.#ring.previous;
    while (oldest.users > 0) oldest = oldest.previous;
    if (oldest === this.#ring) return false;
    this.close(oldest);
    return true;
  }

  /** For {@linkcode PooledFile}: closes a descriptor, once the last operation on it is done. */
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
    // Those that can wait leave what is set aside to those that cannot.
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

  /** For {@linkcode PooledFile}: lets another operation begin that waits for room. */
  wakeNext(): void {
    if (this.hasRoomForBusy) this.#waiting.shift()?.();
  }
}

/** An open file in the ring of its pool. */
class Descriptor {
  file: File | undefined;
  /** Asynchronous operations under way. */
  users = 0;
  /** Whether to close once there are none. */
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

/** A file that its pool opens when it is used and may close when it is not. */
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

  /** Where the file is now. */
  get path(): string {
    return this.#path;
  }

  /** Creates the file, empty, if it is not there. */
  createSync(): void {
    this.#appender(true);
  }

  /** Whether the file was extended with zeros, and not cut since. */
  get isExtended(): boolean {
    return this.#isExtended;
  }

  /** Extends the file to `size` bytes with zeros, over which later bytes are written. */
  extendSync(size: number): void {
    this.#setExtended(true);
    this.#appender().truncateSync(size);
  }

  /**
   * Appends with one write.
   *
   * @param dataEnd Where the bytes that were appended before end.
   * @returns How many bytes were written, maybe not all.
   */
  appendSync(bytes: Uint8Array, dataEnd: number): number {
    const file = this.#appender();
    return this.#isExtended ? file.writeSync(bytes, dataEnd) : file.appendSync(bytes);
  }

  /** Reads from `position` until `into` is full or the file ends; returns the count. */
  readSync(into: Uint8Array, position: number): number {
    return this.#appender().readSync(into, position);
  }

  /** Cuts the file, with all zeros that it was extended with. */
  truncateSync(size: number): void {
    this.#appender().truncateSync(size);
    this.#setExtended(false);
  }

  /** Bytes are appended to where the file ends, unless it was extended: the next opening sees to it. */
  #setExtended(isExtended: boolean): void {
    if (this.#isExtended === isExtended) return;
    this.#isExtended = isExtended;
    if (this.#appending !== undefined) this.#pool.close(this.#appending);
    this.#appending = undefined;
  }

  /** Like `readSync`, without holding up the program. */
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
      // Also if this one could not begin: it may have been woken in place of another.
      this.#pool.wakeNext();
    }
  }

  /** Renames the file. Operations under way go on. */
  renameSync(newPath: string): void {
    this.#pool.fs.renameSync(this.#path, newPath);
    this.#path = newPath;
  }

  /** Says that the file has a new path, for instance since its folder was renamed. */
  moved(newPath: string): void {
    this.#path = newPath;
  }

  /** Closes what is open of the file, after operations under way. Using it opens it again. */
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
