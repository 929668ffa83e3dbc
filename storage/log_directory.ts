/**
 * A data folder: its logs, and the checkpoints they are opened from.
 *
 *     .lock                              locked while a process uses the folder
 *     meta.properties                    its cluster and broker, see meta_properties.ts
 *     recovery-point-offset-checkpoint   of each log, the offset from which a crash requires a check
 *     log-start-offset-checkpoint        of each log, its log start offset
 *     cleaner-offset-checkpoint          of each compacted log, its first dirty offset
 *     replication-offset-checkpoint      of each replica, its high watermark
 *     segment-checkpoint                 the segments of each log at the last clean shutdown
 *     .kafka_cleanshutdown               exists between a clean shutdown and the next start, see
 *                                        clean_shutdown.ts
 *     orders-3/                          a log, named by topic and partition
 *     orders-3.<id>-delete/              a deleted log, to be removed
 *     orders-3.<id>-stray/               a log of an unknown topic, kept for inspection
 *
 * After a clean shutdown no batch is read on open: the recovery point of each log is its log end
 * offset. The files are compared with those at the shutdown, and differences are reported
 * (`Log.losses`). The marker is removed first, so that a crash from then on is recognized as one.
 * After a crash each log is recovered from its recovery point on.
 *
 * A recovery point in the file is never ahead of the data on disk. It advances only after the log's
 * own checkpoint. A truncation lowers it, and the file is on disk before anything is removed.
 *
 * Nothing here runs periodically: the owner calls `checkpoint`, `removeDeleted` and
 * `removeExpiredProducers`, by its own clock.
 *
 * @module
 */

import { BufferPool } from "../protocol/frames/buffer_pool.ts";
import {
  CLEAN_SHUTDOWN_FILE_NAME,
  CLEANER_FILE_NAME,
  DELETED_FOLDER_SUFFIX,
  isLogName,
  LOCK_FILE_NAME,
  LOG_START_FILE_NAME,
  RECOVERY_POINT_FILE_NAME,
  SEGMENT_FILE_NAME,
  STRAY_FOLDER_SUFFIX,
} from "./directory/data_folder.ts";
import {
  beginCheckpoints,
  checkRequiredLog,
  closedSegments,
  createFolder,
  offsetCheckpoint,
  restoreFolders,
  syncCheckpointFiles,
} from "./directory/data_folder_opening.ts";
import { DataFolderLockedError, StorageError } from "./errors.ts";
import { FilePool } from "./file_system/file_pool.ts";
import {
  type FileLock,
  type FileSystem,
  FileSystemError,
  syncFile,
} from "./file_system/file_system.ts";
import {
  NO_BROKER_EPOCH,
  readCleanShutdown,
  writeCleanShutdown,
} from "./directory/clean_shutdown.ts";
import { HighWatermarkCheckpoint } from "./directory/high_watermark_checkpoint.ts";
import { forEach, throwAny } from "./directory/for_each.ts";
import { GroupCommit } from "./log/group_commit.ts";
import { BatchCache } from "./log/batch_cache.ts";
import { IndexCache } from "./segment/indexes/index_cache.ts";
import { Log } from "./log.ts";
import { DEFAULT_LOG_CONFIG } from "./log/log_config.ts";
import type { LogContext } from "./log/log_state.ts";
import {
  META_PROPERTIES_FILE_NAME,
  type MetaProperties,
  readMetaProperties,
  writeMetaProperties,
} from "./directory/meta_properties.ts";
import type { LogCreateOptions, LogDirectoryOptions } from "./directory/log_directory_options.ts";
import { OffsetCheckpoints } from "./directory/offset_checkpoints.ts";
import { PARTITION_METADATA_FILE_NAME, writePartitionMetadata } from "./log/partition_metadata.ts";
import { formatSegmentCheckpoint } from "./segment/segment_checkpoint.ts";
import { TimeSlice } from "./time_slice.ts";

const MAX_NAME_LENGTH = 255;

const DAY_MS = 24 * 60 * 60 * 1000;

/** The checkpointed state of a log whose folder is missing. */
interface MissingLog {
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
}

/** The logs of a data folder. */
export class LogDirectory {
  readonly fs: FileSystem;
  readonly path: string;
  /** Whether the last shutdown was clean. */
  readonly wasCleanShutdown: boolean;
  /**
   * The broker epoch at the last shutdown, if that was clean; -1 if the broker had none. `undefined`
   * after a crash.
   */
  readonly cleanShutdownEpoch: number | undefined;
  /** The broker epoch to leave at a clean shutdown, -1 if the broker is not registered. */
  brokerEpoch: number = NO_BROKER_EPOCH;
  readonly #lock: FileLock;
  readonly #context: LogContext;
  readonly #pool: FilePool;
  readonly #logs = new Map<string, Log>();
  readonly #folderSyncs: GroupCommit;
  readonly #metaPropertiesWrites: GroupCommit;
  readonly #checkpoints: OffsetCheckpoints;
  #highWatermarks: HighWatermarkCheckpoint | undefined;
  #hasLostRecoveryPoints = false;
  /** Logs that had records according to the checkpoints but have no folder, after a crash. */
  readonly #missing: Map<string, MissingLog> = new Map();
  #metaProperties: MetaProperties | undefined;
  #metaPropertiesAtOpen: MetaProperties | undefined;
  #deletedFolders: { readonly path: string; readonly dueMs: number }[] = [];
  #closing: Promise<void> | undefined;

  /** For {@linkcode LogDirectory.open}. */
  private constructor(
    fs: FileSystem,
    path: string,
    lock: FileLock,
    cleanShutdownEpoch: number | undefined,
    options: LogDirectoryOptions,
  ) {
    this.fs = fs;
    this.path = path;
    this.#lock = lock;
    this.wasCleanShutdown = cleanShutdownEpoch !== undefined;
    this.cleanShutdownEpoch = cleanShutdownEpoch;
    this.#folderSyncs = new GroupCommit(() => fs.syncDir(path));
    this.#metaPropertiesWrites = new GroupCommit(() =>
      writeMetaProperties(fs, `${path}/${META_PROPERTIES_FILE_NAME}`, this.#metaProperties!)
    );
    const syncFolder = () => this.#folderSyncs.request();
    this.#checkpoints = new OffsetCheckpoints({
      fs,
      path,
      logs: () => this.#logs.values(),
      syncFolder,
    });
    this.#pool = new FilePool(
      fs,
      options.maxOpenFiles === undefined ? {} : { maxOpenFiles: options.maxOpenFiles },
    );
    const buffers = new BufferPool();
    this.#context = {
      fs,
      pool: this.#pool,
      indexCache: new IndexCache(options.indexCacheBytes),
      buffers,
      batchCache: new BatchCache(options.batchCacheBytes ?? 64 << 20, buffers),
      producerIdExpirationMs: options.producerIdExpirationMs ?? DAY_MS,
      onDamage: options.onDamage ?? (() => {}),
      onOffline: options.onOffline ?? (() => {}),
      onSyncing: options.onSyncing ?? (() => {}),
      onFlush: options.onFlush ?? (() => {}),
      syncDataFolder: syncFolder,
      syncCheckpoints: () => this.#checkpoints.write(),
    };
  }

  /**
   * Opens a data folder and all logs in it; creates the folder if it does not exist.
   *
   * @throws {DataFolderLockedError} If another process has it open.
   * @throws {StorageError} If `meta.properties` is damaged, a log cannot be read, or the required
   *   log is missing although there are others.
   */
  static async open(
    fs: FileSystem,
    path: string,
    options: LogDirectoryOptions,
  ): Promise<LogDirectory> {
    const isNew = fs.statSync(path) === undefined ||
      fs.statSync(`${path}/${META_PROPERTIES_FILE_NAME}`) === undefined;
    if (isNew) await createFolder(fs, path);
    const lock = await fs.lock(`${path}/${LOCK_FILE_NAME}`, options.owner ?? "");
    if (typeof lock === "string") {
      throw new DataFolderLockedError(
        `Cannot open data folder "${path}": it is in use by ${lock || "another process"}`,
      );
    }
    let directory: LogDirectory | undefined;
    try {
      if (options.requiredLog !== undefined) checkRequiredLog(fs, path, options.requiredLog);
      const markerPath = `${path}/${CLEAN_SHUTDOWN_FILE_NAME}`;
      const cleanShutdownEpoch = readCleanShutdown(fs, markerPath);
      if (cleanShutdownEpoch !== undefined) fs.removeSync(markerPath);
      await beginCheckpoints(fs, path);
      if (cleanShutdownEpoch === undefined) await syncCheckpointFiles(fs, path);
      // Also for folders created by a process that was killed before its own sync.
      await fs.syncDir(path);
      directory = new LogDirectory(fs, path, lock, cleanShutdownEpoch, options);
      directory.#metaProperties = readMetaProperties(fs, `${path}/${META_PROPERTIES_FILE_NAME}`);
      directory.#metaPropertiesAtOpen = directory.#metaProperties;
      await directory.#openLogs(options);
      if (directory.#hasLostRecoveryPoints) await directory.#restoreRecoveryPoints();
      return directory;
    } catch (error) {
      for (const log of directory?.logs ?? []) log.abandon();
      if (directory !== undefined) directory.#pool.leave();
      lock.release();
      throw error;
    }
  }

  async #openLogs(options: LogDirectoryOptions): Promise<void> {
    const { fs, path } = this;
    const recoveryPoints = offsetCheckpoint(fs, path, RECOVERY_POINT_FILE_NAME);
    const logStartOffsets = offsetCheckpoint(fs, path, LOG_START_FILE_NAME);
    const firstDirtyOffsets = offsetCheckpoint(fs, path, CLEANER_FILE_NAME);
    this.#checkpoints.setNames(
      [recoveryPoints, logStartOffsets, firstDirtyOffsets].flatMap((map) => [...map?.keys() ?? []]),
    );
    this.#hasLostRecoveryPoints = recoveryPoints === undefined;
    const closed = this.wasCleanShutdown ? closedSegments(fs, path) : undefined;
    const slice = new TimeSlice();
    const endOf = (name: string) =>
      Math.max(recoveryPoints?.get(name) ?? 0, closed?.get(name)?.at(-1)?.endOffset ?? 0);
    if (closed !== undefined) await restoreFolders(fs, path, closed, recoveryPoints);
    const entries = fs.readDirSync(path);
    const there = new Set(entries.map(({ name }) => name));
    for (const [name, recoveryPoint] of recoveryPoints ?? []) {
      if (recoveryPoint === 0 || there.has(name)) continue;
      this.#missing.set(name, { recoveryPoint, logStartOffset: logStartOffsets?.get(name) ?? 0 });
    }
    for (const { name, isDirectory } of entries) {
      if (!isDirectory) continue;
      const folder = `${path}/${name}`;
      if (name.endsWith(DELETED_FOLDER_SUFFIX)) {
        await fs.remove(folder);
      } else if (isLogName(name)) {
        const config = options.configOf?.(name) ?? DEFAULT_LOG_CONFIG;
        const log = await Log.open(this.#context, name, folder, config, {
          isClean: closed?.has(name) === true ||
            (closed !== undefined && recoveryPoints?.get(name) === 0),
          closed: closed?.get(name) ?? [],
          recoveryPoint: recoveryPoints?.has(name) || closed?.has(name)
            ? endOf(name)
            : recoveryPoints && 0,
          logStartOffset: logStartOffsets?.get(name) ?? 0,
          firstDirtyOffset: firstDirtyOffsets?.get(name) ?? 0,
          nowMs: options.nowMs,
        });
        this.#logs.set(name, log);
        if (slice.isOver) await slice.pause();
      }
    }
  }

  /** Whether the recovery point checkpoint, which every used folder has, was missing or damaged. */
  get hasLostRecoveryPoints(): boolean {
    return this.#hasLostRecoveryPoints;
  }

  /** Rewrites lost recovery points: without them, gaps after a crash go unnoticed. */
  async #restoreRecoveryPoints(): Promise<void> {
    try {
      await this.checkpoint();
    } catch (error) {
      // The next checkpoint tries again.
      const errors = error instanceof AggregateError ? error.errors : [error];
      if (!errors.every(isFailureOfStorage)) throw error;
    }
  }

  #writeClosedSegments(): void {
    const closed = new Map(
      Array.from(this.#logs.values(), (log) => [log.name, log.closedSegments()]),
    );
    this.fs.writeFileSync(`${this.path}/${SEGMENT_FILE_NAME}`, formatSegmentCheckpoint(closed));
  }

  /** The content of `meta.properties` when the folder was opened, if it existed. */
  get metaPropertiesAtOpen(): MetaProperties | undefined {
    return this.#metaPropertiesAtOpen;
  }

  /** The content of `meta.properties`, if it exists. */
  get metaProperties(): MetaProperties | undefined {
    return this.#metaProperties;
  }

  /** Writes `meta.properties`, which keeps the properties that are not given. */
  async writeMetaProperties(properties: MetaProperties): Promise<void> {
    const before = this.#metaProperties;
    const after = { ...before, ...properties };
    this.#metaProperties = after;
    try {
      await this.#metaPropertiesWrites.request();
    } catch (error) {
      if (this.#metaProperties === after) this.#metaProperties = before;
      throw error;
    }
  }

  /** All logs. */
  get logs(): IterableIterator<Log> {
    return this.#logs.values();
  }

  /** Number of logs. */
  get logCount(): number {
    return this.#logs.size;
  }

  /** Number of open files. */
  get openFiles(): number {
    return this.#pool.openFiles;
  }

  /** Memory used for the newest batches of all logs, in bytes. */
  get batchCacheSizeInBytes(): number {
    return this.#context.batchCache.sizeInBytes;
  }

  /** The log with a name, for instance `orders-3`. */
  get(name: string): Log | undefined {
    return this.#logs.get(name);
  }

  /**
   * Creates a log. Its existence is on disk after its first flush.
   *
   * @throws {StorageError} If the name is in use or is not that of a partition.
   */
  create(name: string, options: LogCreateOptions): Log {
    this.#checkOpen("create", name);
    if (this.#logs.has(name)) {
      throw new StorageError(`Cannot create log "${name}": it already exists`);
    }
    if (!/^[\w.-]+-\d+$/.test(name) || name.length > MAX_NAME_LENGTH) {
      throw new StorageError(
        `Cannot create log "${name}": the name must be topic, dash and partition, with at most ${MAX_NAME_LENGTH} characters`,
      );
    }
    const { nowMs, topicId, config = DEFAULT_LOG_CONFIG } = options;
    const folder = `${this.path}/${name}`;
    this.fs.mkdirSync(folder);
    try {
      if (topicId !== undefined) {
        writePartitionMetadata(this.fs, `${folder}/${PARTITION_METADATA_FILE_NAME}`, topicId);
      }
    } catch (error) {
      this.#retireFolder(name, nowMs);
      throw error;
    }
    const hasUnsyncedCheckpoints = this.#checkpoints.has(name);
    if (hasUnsyncedCheckpoints) this.#checkpoints.writeNow();
    const log = Log.create(this.#context, name, folder, config, { nowMs, hasUnsyncedCheckpoints });
    this.#logs.set(name, log);
    return log;
  }

  /**
   * Whether a log had records according to the checkpoints but had no folder when the data folder
   * was opened. After a crash it may also have been deleted.
   */
  isMissing(name: string): boolean {
    return this.#missing.has(name) && !this.#logs.has(name);
  }

  /**
   * Recreates a missing log with its previous end offset. Reads of its lost records fail with
   * `CorruptRecordError`.
   *
   * @throws {StorageError} If the log is not missing, see {@linkcode LogDirectory.isMissing}.
   */
  async restore(name: string, options: LogCreateOptions): Promise<Log> {
    this.#checkOpen("restore", name);
    const missing = this.#missing.get(name);
    if (missing === undefined || this.#logs.has(name)) {
      throw new StorageError(`Cannot restore log "${name}": it is not missing`);
    }
    this.#missing.delete(name);
    const { nowMs, topicId, config = DEFAULT_LOG_CONFIG } = options;
    const folder = `${this.path}/${name}`;
    this.fs.mkdirSync(folder);
    if (topicId !== undefined) {
      writePartitionMetadata(this.fs, `${folder}/${PARTITION_METADATA_FILE_NAME}`, topicId);
    }
    const log = await Log.open(this.#context, name, folder, config, {
      ...missing,
      isClean: false,
      firstDirtyOffset: 0,
      nowMs,
    });
    this.#logs.set(name, log);
    return log;
  }

  /**
   * Deletes a log. Its folder is renamed immediately, so that another log of the same name can be
   * created, and removed by `removeDeleted` after the log's `file.delete.delay.ms`.
   *
   * @returns Whether the log existed.
   */
  delete(name: string, nowMs: number): boolean {
    this.#checkOpen("delete", name);
    const log = this.#logs.get(name);
    if (log === undefined) return false;
    log.markDeleted(this.#retireFolder(name, nowMs + log.config.fileDeleteDelayMs));
    this.#logs.delete(name);
    return true;
  }

  /**
   * Closes a log and keeps its folder as a stray folder, so that no data is lost and another log of
   * the same name can be created.
   *
   * @returns The folder's new path, or `undefined` if there is no such log.
   */
  setAside(name: string): string | undefined {
    this.#checkOpen("set aside", name);
    const log = this.#logs.get(name);
    if (log === undefined) return undefined;
    const path = this.#renameFolder(name, STRAY_FOLDER_SUFFIX);
    log.markDeleted(path);
    this.#logs.delete(name);
    return path;
  }

  /** Renames a log's folder, to be removed at `dueMs`; returns its new path. */
  #retireFolder(name: string, dueMs: number): string {
    const path = this.#renameFolder(name, DELETED_FOLDER_SUFFIX);
    this.#deletedFolders.push({ path, dueMs });
    return path;
  }

  #renameFolder(name: string, ending: string): string {
    const suffix = `.${crypto.randomUUID().replaceAll("-", "")}${ending}`;
    const dash = name.lastIndexOf("-");
    const partition = name.slice(dash);
    const topic = name.slice(0, Math.min(dash, MAX_NAME_LENGTH - partition.length - suffix.length));
    const path = `${this.path}/${topic}${partition}${suffix}`;
    this.fs.renameSync(`${this.path}/${name}`, path);
    return path;
  }

  /** Flushes logs concurrently: a disk syncs many files in the time of a few. */
  async flush(logs: Iterable<Log>): Promise<void> {
    await forEach(logs, (log) => log.flush());
  }

  /**
   * Whether the checkpoints on disk list an earlier log of this name. Creating a log of this name
   * now rewrites the checkpoints, and until they are synced a power failure may leave none of them.
   */
  hasStaleCheckpoints(name: string): boolean {
    if (this.#logs.has(name)) return false;
    return this.#checkpoints.has(name) || this.#highWatermarks?.has(name) === true;
  }

  /** Writes the checkpoints without the logs that are gone; resolves when they are on disk. */
  async dropStaleCheckpoints(): Promise<void> {
    await this.#checkpoints.write();
    this.#forgetHighWatermarks();
    await this.#highWatermarks?.write();
  }

  /** Forgets the high watermarks of logs that are gone, with the next write. */
  #forgetHighWatermarks(): void {
    this.#highWatermarks?.retain((name) => this.#logs.has(name) || this.isMissing(name));
  }

  /**
   * Writes the checkpoints and resolves when they are on disk. Does not advance recovery points.
   */
  writeCheckpoints(): Promise<void> {
    return this.#checkpoints.write();
  }

  /** The high watermarks of replicas. The file is read by the first use. */
  get highWatermarks(): HighWatermarkCheckpoint {
    const { fs, path } = this;
    const written = async () => {
      await this.#folderSyncs.request();
      const found = this.#metaProperties;
      if (found === undefined || found.hasHighWatermarks === true) return;
      await this.writeMetaProperties({ ...found, hasHighWatermarks: true });
    };
    return this.#highWatermarks ??= new HighWatermarkCheckpoint({
      fs,
      path,
      wasThere: this.#metaPropertiesAtOpen?.hasHighWatermarks === true,
      written,
    });
  }

  /**
   * Advances the recovery points, and writes them and the log start offsets. Works on one log at a
   * time: thousands of concurrent syncs would delay every append.
   *
   * @param signal Ends the checkpoint early: the remaining logs keep their recovery points.
   */
  async checkpoint(signal?: AbortSignal): Promise<void> {
    const errors: unknown[] = [];
    for (const log of Array.from(this.#logs.values())) {
      if (signal?.aborted) break;
      try {
        await log.checkpoint();
      } catch (error) {
        // The log may have been deleted in the meantime.
        if (!log.isClosed) errors.push(error);
      }
    }
    await this.#checkpoints.write();
    this.#forgetHighWatermarks();
    throwAny(errors);
  }

  /** Removes the files of segments and logs deleted at least `file.delete.delay.ms` ago. */
  async removeDeleted(nowMs: number): Promise<void> {
    const due = this.#deletedFolders.filter((folder) => folder.dueMs <= nowMs);
    this.#deletedFolders = this.#deletedFolders.filter((folder) => folder.dueMs > nowMs);
    await forEach(due, ({ path }) => this.fs.remove(path));
    for (const log of Array.from(this.#logs.values())) await log.removeDeleted(nowMs);
  }

  /** Removes idempotent producers without writes for `producer.id.expiration.ms`. */
  removeExpiredProducers(nowMs: number): void {
    for (const log of this.#logs.values()) log.removeExpiredProducers(nowMs);
  }

  /**
   * Flushes and closes the logs and unlocks the folder. Leaves the marker of a clean shutdown if
   * nothing failed. Closing twice is allowed.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    try {
      // A log that was closed before may not have been flushed.
      const isUnclean = Array.from(this.#logs.values())
        .some((log) => log.isClosed || log.offlineError !== undefined);
      await forEach(this.#logs.values(), (log) => log.close());
      await this.#checkpoints.write();
      await this.#highWatermarks?.write();
      if (isUnclean) return;
      this.#writeClosedSegments();
      await syncFile(this.fs, `${this.path}/${SEGMENT_FILE_NAME}`);
      const markerPath = `${this.path}/${CLEAN_SHUTDOWN_FILE_NAME}`;
      await writeCleanShutdown(this.fs, markerPath, this.brokerEpoch);
      await this.#folderSyncs.request();
    } finally {
      this.#pool.leave();
      this.#lock.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(action: string, name: string): void {
    if (this.#closing === undefined) return;
    throw new StorageError(
      `Cannot ${action} log "${name}": data folder "${this.path}" is closed`,
    );
  }
}

function isFailureOfStorage(error: unknown): boolean {
  return error instanceof StorageError || error instanceof FileSystemError;
}
