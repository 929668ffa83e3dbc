/**
 * An in-memory file system for tests, whose syncs can be held back, failed and counted.
 *
 * @module
 */

import {
  type File,
  type FileMode,
  FileSystemError,
  MemoryFileSystem,
  type OpenOptions,
} from "../storage/mod.ts";

/** Holds back syncs of log files on request. */
export class HeldSyncFileSystem extends MemoryFileSystem {
  /** Number of syncs of log files begun. */
  syncCount = 0;
  /** Whether new syncs fail. */
  isFailing = false;
  /** Whether syncs of the cluster metadata are held back too. */
  holdsMetadata = false;
  #held: PromiseWithResolvers<void> | undefined;
  #begun: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Holds back syncs that begin from now on. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  /** Resolves when this many syncs of log files have begun. */
  async begun(count: number): Promise<void> {
    while (this.syncCount < count) await this.#begun.promise;
  }

  /** Completes the syncs held back. */
  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  override openSync(path: string, mode: FileMode, options?: OpenOptions): File {
    const file = super.openSync(path, mode, options);
    if (!path.endsWith(".log")) return file;
    const isMetadata = path.includes("__cluster_metadata");
    return {
      appendSync: (bytes) => file.appendSync(bytes),
      writeSync: (bytes, position) => file.writeSync(bytes, position),
      readSync: (into, position) => file.readSync(into, position),
      read: (into, position) => file.read(into, position),
      truncateSync: (size) => file.truncateSync(size),
      syncData: async () => {
        if (isMetadata && !this.holdsMetadata) return await file.syncData();
        this.syncCount++;
        this.#begun.resolve();
        this.#begun = Promise.withResolvers();
        await this.#held?.promise;
        if (this.isFailing) throw new FileSystemError("sync", path, "EIO", "the disk is gone");
        await file.syncData();
      },
      close: () => file.close(),
    };
  }
}
