/**
 * Commits changes of partitions that are made at the same time in few transactions of the metadata store.
 *
 * If one of them is no longer possible, smaller groups are tried: each change succeeds or fails by itself.
 *
 * @module
 */

import { RevisionConflictError } from "../metadata/metadata_store.ts";
import { MAX_PARTITION_CHANGES, type PartitionChange } from "../cluster/partition_commit.ts";
import { partitionKey } from "../cluster/topic_state.ts";
import { turnEnd } from "../time/turn_end.ts";

interface Waiting extends PromiseWithResolvers<void> {
  readonly key: string;
  readonly change: PartitionChange;
}

/** Gathers changes. */
export class PartitionChanges {
  readonly #commit: (changes: readonly PartitionChange[]) => Promise<void>;
  #waiting: Waiting[] = [];
  #isRunning = false;

  /** @param commit Makes all changes, or none. */
  constructor(commit: (changes: readonly PartitionChange[]) => Promise<void>) {
    this.#commit = commit;
  }

  /**
   * Makes a change, with others.
   *
   * @throws {RevisionConflictError} If it is not possible any more.
   */
  make(change: PartitionChange): Promise<void> {
    const key = partitionKey(change.topic.id, change.index);
    const waiting = { key, change, ...Promise.withResolvers<void>() };
    this.#waiting.push(waiting);
    if (!this.#isRunning) this.#run();
    return waiting.promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await turnEnd();
    while (this.#waiting.length > 0) await this.#makeAll(this.#next());
    this.#isRunning = false;
  }

  /** The first that fit a transaction. Of two changes of a partition, the second one conflicts later. */
  #next(): Waiting[] {
    const batch = new Map<string, Waiting>();
    const left: Waiting[] = [];
    for (const waiting of this.#waiting) {
      if (batch.size < MAX_PARTITION_CHANGES && !batch.has(waiting.key)) {
        batch.set(waiting.key, waiting);
      } else left.push(waiting);
    }
    this.#waiting = left;
    return [...batch.values()];
  }

  async #makeAll(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#commit(batch.map(({ change }) => change));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (!(error instanceof RevisionConflictError) || batch.length === 1) {
        for (const { reject } of batch) reject(error);
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.#makeAll(batch.slice(0, half));
      await this.#makeAll(batch.slice(half));
    }
  }
}
