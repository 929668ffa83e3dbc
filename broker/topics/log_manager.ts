/**
 * Maintains the logs of a broker's topics: retention, compaction, recovery point checkpoints, timed
 * flushes, and the removal of deleted files.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/mod.ts";
import { LogCleaner } from "../../storage/cleaner/log_cleaner.ts";
import type { CleanableLog, Log, LogCleaning, LogDirectory } from "../../storage/mod.ts";
import type { Clock } from "../time/clock.ts";
import type { ClusterState } from "../cluster/cluster_state.ts";
import { MetadataStoreSilentError } from "../metadata/metadata_store.ts";
import type { Logger } from "../logger.ts";
import { MaintenanceCounters } from "../metrics/broker_counters.ts";
import { FileRemoval } from "./file_removal.ts";
import { IntervalFlusher } from "./interval_flusher.ts";
import type { PartitionLogManager } from "./partition.ts";
import type { Topic } from "./topic.ts";

/** Options of log maintenance. */
export interface LogManagerOptions {
  readonly cluster: ClusterState;
  readonly directory: LogDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is counted. Default: nobody looks at it. */
  readonly counters?: MaintenanceCounters;
}

/** Options of compaction. */
export interface CompactionOptions {
  /** Memory for keys, in bytes. */
  readonly dedupeBytes: number;
  /** Aborts the compaction. */
  readonly signal: AbortSignal;
}

/** Time slice before yielding to other work. */
const SLICE_MS = 10;

/** Maintains the logs of one data folder. */
export class LogManager implements PartitionLogManager {
  readonly #options: LogManagerOptions;
  readonly #removal: FileRemoval;
  readonly #flusher: IntervalFlusher;
  readonly #cleaner = new LogCleaner();
  readonly #counters: MaintenanceCounters;
  /** Ids of deleted topics whose folders have been renamed, though perhaps not yet on disk. */
  readonly #removedTopics: Set<string> = new Set();
  #isClosed = false;

  constructor(options: LogManagerOptions) {
    const { directory, clock, logger } = options;
    this.#options = options;
    this.#counters = options.counters ?? new MaintenanceCounters();
    this.#removal = new FileRemoval(directory, clock, logger);
    this.#flusher = new IntervalFlusher(clock, logger);
  }

  /** Flushes a log within `delayMs`. */
  requestFlush(log: Log, delayMs: number): void {
    this.#flusher.request(log, delayMs);
  }

  /** The high watermark noted for a log, which may be lost; 0 for none. */
  notedHighWatermark(log: Log): number {
    return this.#options.directory.highWatermarks.get(log.name);
  }

  /** Notes a high watermark that goes back; resolves when that is on disk. */
  async lowerHighWatermark(log: Log, offset: number): Promise<void> {
    const { highWatermarks } = this.#options.directory;
    highWatermarks.replace(log.name, offset);
    await highWatermarks.write();
  }

  /** Deletes a log; its files are removed after `file.delete.delay.ms`. */
  delete(log: Log): void {
    const { directory, clock } = this.#options;
    this.#flusher.forget(log);
    directory.delete(log.name, clock.now());
    this.#removal.after(log.config.fileDeleteDelayMs);
  }

  /** Records that all logs of a deleted topic have been deleted. */
  markRemoved(topicId: string): void {
    this.#removedTopics.add(topicId);
  }

  /** Resolves when the log start offsets are on disk. */
  writeLogStarts(): Promise<void> {
    return this.#options.directory.writeCheckpoints();
  }

  /**
   * Writes the high watermarks to disk, as far as they are flushed here, if any has changed. Only
   * brokers that can have replicas need them.
   */
  async checkpointHighWatermarks(topics: Iterable<Topic>): Promise<void> {
    this.#noteHighWatermarks(topics);
    await this.#options.directory.highWatermarks.write();
  }

  #noteHighWatermarks(topics: Iterable<Topic>): void {
    const { highWatermarks } = this.#options.directory;
    for (const { partitions } of topics) {
      for (const partition of partitions) {
        if (partition === undefined) continue;
        const { log, highWatermark } = partition;
        highWatermarks.raise(log.name, Math.min(highWatermark, log.flushedOffset));
      }
    }
  }

  /**
   * Writes recovery points, log start offsets and log deletions to disk.
   *
   * @param signal Aborts the checkpoint; the remaining logs keep their previous recovery points.
   */
  async checkpoint(signal?: AbortSignal): Promise<void> {
    const { directory } = this.#options;
    const removed = [...this.#removedTopics];
    await directory.checkpoint(signal);
    await this.#forgetDeletedTopics(removed);
  }

  /** Without the metadata store they are forgotten after a later checkpoint. */
  async #forgetDeletedTopics(ids: readonly string[]): Promise<void> {
    const { cluster, logger } = this.#options;
    try {
      await cluster.forgetDeletedTopics(ids.filter((id) => cluster.deletedTopics.has(id)));
      for (const id of ids) this.#removedTopics.delete(id);
    } catch (error) {
      if (!(error instanceof MetadataStoreSilentError)) throw error;
      logger.warn("Cannot forget deleted topics for the moment", { error });
    }
  }

  /** Deletes segments past the topics' retention, yielding to other work. */
  async applyRetention(topics: Iterable<Topic>): Promise<void> {
    const { clock } = this.#options;
    let sliceMs = clock.monotonic();
    for (const topic of [...topics]) {
      for (const index of topic.partitions.keys()) {
        if (this.#isClosed) return;
        await this.#applyRetention(topic, index);
        if (clock.monotonic() - sliceMs < SLICE_MS) continue;
        await clock.yield();
        sliceMs = clock.monotonic();
      }
    }
  }

  async #applyRetention({ config, partitions }: Topic, index: number): Promise<void> {
    const { clock, logger } = this.#options;
    const partition = partitions[index];
    if (partition === undefined || partition.log.isClosed || partition.isOffline) return;
    try {
      const sizes = partition.log.segments.map(({ sizeInBytes }) => sizeInBytes);
      const count = await partition.applyRetention(clock.now());
      if (count === 0) return;
      this.#counters.deletedSegments += count;
      for (const size of sizes.slice(0, count)) this.#counters.deletedBytes += size;
      this.#removal.after(config.get("file.delete.delay.ms"));
      const { logStartOffset } = partition;
      logger.info("Deleted old segments", { log: `${partition}`, count, logStartOffset });
    } catch (error) {
      // The topic may have been deleted in the meantime.
      if (partition.log.isClosed) return;
      logger.error("Cannot apply retention", { log: `${partition}`, error });
    }
  }

  /**
   * Compacts logs, the one with the highest dirty ratio first, until none needs it. A damaged log
   * is skipped from then on; after any other failure the rest is left for the next run.
   */
  async compact(topics: () => Iterable<Topic>, options: CompactionOptions): Promise<void> {
    const { clock, logger } = this.#options;
    while (!options.signal.aborted) {
      try {
        const cleaning = await this.#cleaner.clean(cleanableLogs(topics()), {
          ...options,
          nowMs: clock.now(),
        });
        if (cleaning === undefined) return;
        this.#logCleaning(cleaning);
      } catch (error) {
        logger.error("Cannot compact", { error });
        if (!(error instanceof CorruptRecordError)) return;
      }
    }
  }

  #logCleaning({ log, fromOffset, toOffset, unreadable, ...counts }: LogCleaning): void {
    const { directory, logger } = this.#options;
    const config = directory.get(log)?.config;
    if (config !== undefined) this.#removal.after(config.fileDeleteDelayMs);
    const { recordsBefore, recordsAfter, bytesBefore, bytesAfter } = counts;
    this.#counters.compactions++;
    this.#counters.compactionBytesRead += bytesBefore;
    this.#counters.compactionBytesWritten += bytesAfter;
    logger.info("Compacted log", {
      log,
      fromOffset,
      toOffset,
      recordsBefore,
      recordsAfter,
      bytesBefore,
      bytesAfter,
    });
    const [first] = unreadable.first;
    if (first === undefined) return;
    logger.warn("Compaction left batches as they are: their records cannot be read", {
      log,
      count: unreadable.count,
      offsets: unreadable.first.map(({ baseOffset, lastOffset }) => `${baseOffset}-${lastOffset}`)
        .join(","),
      problem: first.problem,
    });
  }

  /**
   * Stops after running work has ended. The folder writes the high watermarks when it is closed.
   *
   * @param topics The topics of a broker that can have replicas.
   */
  async close(topics: Iterable<Topic> = []): Promise<void> {
    this.#isClosed = true;
    this.#noteHighWatermarks(topics);
    await this.#flusher.close();
    await this.#removal.close();
  }
}

/** The logs to compact, each up to its high watermark. The cleaner leaves out open transactions. */
function* cleanableLogs(topics: Iterable<Topic>): Generator<CleanableLog, void> {
  for (const { config, partitions } of topics) {
    if (!config.get("cleanup.policy").includes("compact")) continue;
    for (const partition of partitions) {
      if (partition === undefined) continue;
      yield { log: partition.log, maxOffset: partition.highWatermark };
    }
  }
}
