/**
 * Brings a log's batches to disk, for all who wait for that at once.
 *
 * A flush syncs each segment that has unsynced bytes, oldest first, and folders with new names. So at
 * any time the disk has all batches before `flushedOffset`, and the names to find them by.
 *
 * A log's folder is synced into the data folder by the first flush, not when it is created: a
 * thousand partitions are then made durable together.
 *
 * @module
 */

import { syncFile } from "../file_system/file_system.ts";
import { GroupCommit } from "./group_commit.ts";
import type { LogState } from "./log_state.ts";
import { PARTITION_METADATA_FILE_NAME } from "./partition_metadata.ts";

const FLUSHED = Promise.resolve();

/** How a log begins. */
export interface LogFlusherOptions {
  /** All before this offset is on disk. */
  readonly flushedOffset: number;
  /** Whether there is something that may not be. */
  readonly isDirty: boolean;
  /** Whether the names of the log's folder and files may not be on disk: it is new, or was not closed. */
  readonly hasUnsyncedNames: boolean;
  /** Whether the data folder's checkpoints were written and have to be synced. */
  readonly hasUnsyncedCheckpoints: boolean;
}

/** Flushes one log. */
export class LogFlusher {
  readonly #log: LogState;
  readonly #flushes = new GroupCommit(() => this.#syncAll());
  #flushedOffset: number;
  #isDirty: boolean;
  #dirtySinceMs = 0;
  #isFolderSynced: boolean;
  #hasUnsyncedNames: boolean;
  #hasUnsyncedCheckpoints: boolean;
  #truncations = 0;

  constructor(log: LogState, options: LogFlusherOptions) {
    this.#log = log;
    this.#flushedOffset = options.flushedOffset;
    this.#isDirty = options.isDirty;
    this.#hasUnsyncedCheckpoints = options.hasUnsyncedCheckpoints;
    this.#isFolderSynced = !options.hasUnsyncedNames;
    this.#hasUnsyncedNames = options.hasUnsyncedNames || options.isDirty;
  }

  /** All records before this offset are on disk. */
  get flushedOffset(): number {
    return this.#flushedOffset;
  }

  /** Counts truncations of the log. */
  get truncations(): number {
    return this.#truncations;
  }

  /** Says that something was appended. */
  appended(nowMs: number): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#dirtySinceMs = nowMs;
  }

  /** Says that a file was cut, though no batches were. */
  trimmed(): void {
    this.#isDirty = true;
  }

  /** Says that files were created, renamed or removed. */
  namesChanged(): void {
    this.#hasUnsyncedNames = true;
    this.#isDirty = true;
  }

  /** Says that the log's folder or what it says of its topic changed. */
  folderChanged(): void {
    this.#isFolderSynced = false;
    this.namesChanged();
  }

  /** Says that the log was truncated to end at `offset`, and the checkpoints written accordingly. */
  truncated(offset: number): void {
    this.#truncations++;
    this.#flushedOffset = Math.min(this.#flushedOffset, offset);
    this.#hasUnsyncedCheckpoints = true;
    this.namesChanged();
  }

  /**
   * Resolves when all that was appended before the call is on disk. Who calls while a sync is under way
   * shares the next one, if anything was appended since that began.
   *
   * @throws {LogOfflineError} If that failed, or something before it did.
   */
  flush(): Promise<void> {
    const log = this.#log;
    if (log.offline !== undefined) return Promise.reject(log.offline);
    if (log.isClosed) return Promise.reject(log.closedError("flush"));
    if (!this.#isDirty) return this.#flushes.current ?? FLUSHED;
    return this.#flushes.request();
  }

  /** Whether `flush.messages` or `flush.ms` ask for a flush. */
  isDue(nowMs: number): boolean {
    const { config, logEndOffset } = this.#log;
    return this.#isDirty &&
      (logEndOffset - this.#flushedOffset >= config.flushMessages ||
        nowMs - this.#dirtySinceMs >= config.flushMs);
  }

  async #syncAll(): Promise<void> {
    const log = this.#log;
    if (log.offline !== undefined) throw log.offline;
    let target: number;
    let truncations: number;
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
        // What came in the place of what was truncated meanwhile may not be on disk.
      } while (truncations !== this.#truncations);
    } catch (error) {
      throw log.failure("flush", error, false);
    }
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
