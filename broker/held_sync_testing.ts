/**
 * A file system in memory whose syncs can be held back, failed and counted, for tests.
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

/** Holds syncs of log files while told to. */
export class HeldSyncFileSystem extends MemoryFileSystem {
  /** Syncs of log files that were begun. */
  syncCount = 0;
  /** Whether syncs fail from now on. */
  isFailing = false;
  /** Whether those of the cluster's metadata are held back too. */
  holdsMetadata = false;
  #held: PromiseWithResolvers<void> | undefined;
  #begun: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Holds back syncs that begin from now on. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  /** Resolves when so many syncs of log files were begun. */
  async begun(count: number): Promise<void> {
    while (this.syncCount < count) await this.#begun.promise;
  }

  /** Lets those that are held back go on. */
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
