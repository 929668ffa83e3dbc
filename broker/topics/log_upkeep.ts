/**
 * What the logs of a broker's topics need beside being written and read: retention, checkpoints that
 * make recovery short, flushes by time, and the removal of files that were deleted.
 *
 * @module
 */

import { GroupCommit } from "../../storage/group_commit.ts";
import type { Log, LogDirectory } from "../../storage/mod.ts";
import type { Clock } from "../clock.ts";
import type { ClusterState } from "../cluster/cluster_state.ts";
import type { Logger } from "../logger.ts";
import { FileRemoval } from "./file_removal.ts";
import { IntervalFlusher } from "./interval_flusher.ts";
import type { PartitionUpkeep } from "./partition.ts";
import type { Topic } from "./topic_registry.ts";

/** What upkeep works on. */
export interface LogUpkeepOptions {
  readonly cluster: ClusterState;
  readonly directory: LogDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long to work at a stretch before others have their turn. */
const SLICE_MS = 10;

/** Keeps the logs of one data folder up. */
export class LogUpkeep implements PartitionUpkeep {
  readonly #options: LogUpkeepOptions;
  readonly #removal: FileRemoval;
  readonly #flusher: IntervalFlusher;
  readonly #checkpoints = new GroupCommit(() => this.#checkpoint());
  /** Ids of deleted topics whose folders have another name, though perhaps not yet on disk. */
  readonly #removedTopics: Set<string> = new Set();
  #isClosed = false;

  constructor(options: LogUpkeepOptions) {
    const { directory, clock, logger } = options;
    this.#options = options;
    this.#removal = new FileRemoval(directory, clock, logger);
    this.#flusher = new IntervalFlusher(clock, logger);
  }

  /** Flushes a log within `delayMs`. */
  requestFlush(log: Log, delayMs: number): void {
    this.#flusher.request(log, delayMs);
  }

  /** Deletes a log; its files go after `file.delete.delay.ms`. */
  delete(log: Log): void {
    const { directory, clock } = this.#options;
    this.#flusher.forget(log);
    directory.delete(log.name, clock.now());
    this.#removal.after(log.config.fileDeleteDelayMs);
  }

  /** Notes that all logs of a deleted topic have been deleted. */
  noteRemoved(topicId: string): void {
    this.#removedTopics.add(topicId);
  }

  /** Resolves when it is on disk how far each log is there, where it starts, and which are deleted. */
  checkpoint(): Promise<void> {
    return this.#checkpoints.request();
  }

  async #checkpoint(): Promise<void> {
    const { directory, cluster } = this.#options;
    const removed = [...this.#removedTopics];
    await directory.checkpoint();
    await cluster.forgetDeletedTopics(removed.filter((id) => cluster.deletedTopics.has(id)));
    for (const id of removed) this.#removedTopics.delete(id);
  }

  /** Deletes segments that the topics' retention no longer keeps; gives way to others on the way. */
  async applyRetention(topics: Iterable<Topic>): Promise<void> {
    const { clock } = this.#options;
    let sliceMs = clock.now();
    for (const topic of [...topics]) {
      for (const index of topic.partitions.keys()) {
        if (this.#isClosed) return;
        this.#applyRetention(topic, index);
        if (clock.now() - sliceMs < SLICE_MS) continue;
        await clock.yield();
        sliceMs = clock.now();
      }
    }
  }

  #applyRetention({ config, partitions }: Topic, index: number): void {
    const { clock, logger } = this.#options;
    const partition = partitions[index]!;
    if (partition.log.isClosed || partition.isOffline) return;
    try {
      const count = partition.applyRetention(clock.now());
      if (count === 0) return;
      this.#removal.after(config.get("file.delete.delay.ms"));
      const { logStartOffset } = partition;
      logger.info("Deleted old segments", { log: `${partition}`, count, logStartOffset });
    } catch (error) {
      logger.error("Cannot apply retention", { log: `${partition}`, error });
    }
  }

  /** Stops, once what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flusher.close();
    await this.#removal.close();
    await this.#checkpoints.current?.catch(() => {});
  }
}
