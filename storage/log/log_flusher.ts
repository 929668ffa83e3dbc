/**
 * Syncs a log's batches to disk, with one sync for all concurrent callers.
 *
 * A flush syncs the segments with unsynced bytes, oldest first, and folders with new names. So at
 * any time the disk has all batches before `flushedOffset`, and their file names. The name of the
 * first segment is there before a second one is created: recovery finds any other segment missing by
 * the gap that it leaves, but a log that lost its first ones would seem to start later.
 *
 * The data folder is synced by a log's first flush, not when the log is created: a thousand new
 * partitions then share that sync.
 *
 * @module
 */

import { syncFile } from "../file_system/file_system.ts";
import { GroupCommit } from "./group_commit.ts";
import type { LogState } from "./log_state.ts";
import { PARTITION_METADATA_FILE_NAME } from "./partition_metadata.ts";

const FLUSHED = Promise.resolve();

/** The state of the log on disk. */
export interface LogFlusherOptions {
  /** Records before this offset are on disk. */
  readonly flushedOffset: number;
  /** Whether there is anything that may not be on disk. */
  readonly isDirty: boolean;
  /**
   * Whether the names of the log's folder and files may not be on disk: it is new, or was not
   * closed cleanly.
   */
  readonly hasUnsyncedNames: boolean;
  /** Whether the data folder's checkpoints were written and must be synced. */
  readonly hasUnsyncedCheckpoints: boolean;
}

/** Flushes one log. */
export class LogFlusher {
  readonly #log: LogState;
  /** Made by the first flush that has something to do. */
  #flushes: GroupCommit | undefined;
  #flushedOffset: number;
  #isDirty: boolean;
  #isFolderSynced: boolean;
  #hasUnsyncedNames: boolean;
  /** Whether the name of the first segment is on disk. */
  #isStartSynced: boolean;
  #hasUnsyncedCheckpoints: boolean;
  #truncations = 0;

  constructor(log: LogState, options: LogFlusherOptions) {
    this.#log = log;
    this.#flushedOffset = options.flushedOffset;
    this.#isDirty = options.isDirty;
    this.#hasUnsyncedCheckpoints = options.hasUnsyncedCheckpoints;
    this.#isFolderSynced = !options.hasUnsyncedNames;
    this.#hasUnsyncedNames = options.hasUnsyncedNames || options.isDirty;
    this.#isStartSynced = !this.#hasUnsyncedNames;
  }

  /** All records before this offset are on disk. */
  get flushedOffset(): number {
    return this.#flushedOffset;
  }

  /** Number of truncations of the log. */
  get truncations(): number {
    return this.#truncations;
  }

  /** Marks the log as having unflushed batches. */
  appended(): void {
    this.#isDirty = true;
  }

  /** Marks the log as having a file that was cut, without a loss of batches. */
  trimmed(): void {
    this.#isDirty = true;
  }

  /** Marks the names of files as changed: created, renamed or removed. */
  namesChanged(): void {
    this.#hasUnsyncedNames = true;
    this.#isDirty = true;
  }

  /** Marks the log's folder or its `partition.metadata` as changed. */
  folderChanged(): void {
    this.#isFolderSynced = false;
    this.namesChanged();
  }

  /** Marks the log as truncated to `offset`. */
  truncated(offset: number): void {
    this.#truncations++;
    this.#flushedOffset = Math.min(this.#flushedOffset, offset);
    this.#isStartSynced = false;
    this.namesChanged();
  }

  /**
   * Syncs the name of the first segment, if it may not be on disk: once in the life of most logs, and
   * only if two segments are filled before the first flush.
   *
   * @throws {FileSystemError} If the sync failed.
   */
  syncStart(): void {
    if (this.#isStartSynced) return;
    const { context, folder } = this.#log;
    context.fs.syncDirSync(folder);
    this.#isStartSynced = true;
  }

  /**
   * Resolves when everything appended before the call is on disk. Calls made during a sync share
   * the next one, or the current one if nothing was appended since it began.
   *
   * @throws {LogOfflineError} If the sync failed, or the log was offline already.
   */
  flush(): Promise<void> {
    const log = this.#log;
    if (log.offline !== undefined) return Promise.reject(log.offline);
    if (log.isClosed) return Promise.reject(log.closedError("flush"));
    if (!this.#isDirty) return this.#flushes?.current ?? FLUSHED;
    this.#flushes ??= new GroupCommit(() => {
      const sync = this.#syncAll();
      log.context.onSyncing(sync);
      return sync;
    });
    return this.#flushes.request();
  }

  async #syncAll(): Promise<void> {
    const log = this.#log;
    if (log.offline !== undefined) throw log.offline;
    let target: number;
    let truncations: number;
    const startMs = performance.now();
    try {
      do {
        truncations = this.#truncations;
        target = log.logEndOffset;
        this.#isDirty = false;
        if (this.#hasUnsyncedCheckpoints) {
          this.#hasUnsyncedCheckpoints = false;
          await log.context.syncCheckpoints();
        }
        for (const segment of log.segments.dirty()) await segment.sync();
        if (this.#hasUnsyncedNames) await this.#syncNames();
        // Batches that replaced truncated ones during the sync may not be on disk.
      } while (truncations !== this.#truncations);
      this.#isStartSynced = true;
    } catch (error) {
      throw log.failure("flush", error, false);
    }
    log.context.onFlush(performance.now() - startMs);
    if (log.isClosed) throw log.closedError("flush");
    this.#flushedOffset = Math.max(this.#flushedOffset, target);
  }

  async #syncNames(): Promise<void> {
    this.#hasUnsyncedNames = false;
    const { context, folder } = this.#log;
    if (!this.#isFolderSynced) {
      const path = `${folder}/${PARTITION_METADATA_FILE_NAME}`;
      if (context.fs.statSync(path) !== undefined) await syncFile(context.fs, path);
      await context.syncDataFolder();
      this.#isFolderSynced = true;
    }
    await context.fs.syncDir(folder);
  }
}
