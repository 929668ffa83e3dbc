/**
 * Commits the appends to a partition with one replica.
 *
 * With `flush=commit`, an append with acks=all commits when it is on disk, so that a crash never takes
 * back records that were visible. Appends with acks=0 or 1 make no such promise and are visible
 * immediately, unless they follow one with acks=all that is not on disk yet: offsets become visible
 * in order. With `flush=interval` and `flush=os` every append is visible immediately.
 *
 * Appends with acks=all in the same turn of the event loop, or during a flush, share the next flush
 * (group commit).
 *
 * @module
 */

import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { Acks } from "../../protocol/messages/records/produce.ts";
import type { Log } from "../../storage/log.ts";
import type { Commits } from "../roles/commits.ts";
import { turnEnd } from "../time/turn_end.ts";
import type { PartitionLogManager } from "./partition_options.ts";
import type { ReadableRange } from "./readable_range.ts";
import type { TopicConfig } from "./topic_config.ts";

/** The partition that is led. */
export interface LonePartition {
  readonly log: Log;
  readonly config: TopicConfig;
}

/** The value of `flush.ms` without a limit. */
const NO_LIMIT = INT64_MAX;
/** The interval of `flush=interval` without a limit. */
const DEFAULT_INTERVAL_MS = 1000;

/** Appends that become visible and are acknowledged with the same flush. */
interface CommitGroup extends PromiseWithResolvers<void> {
  /** The offset of the first of them. */
  readonly firstOffset: number;
}

/** The commits of one partition. */
export class SingleReplicaCommits implements Commits {
  readonly #partition: LonePartition;
  readonly #range: ReadableRange;
  readonly #logManager: Pick<PartitionLogManager, "requestFlush">;
  #flushing: CommitGroup | undefined;
  #queued: CommitGroup | undefined;

  /** @param range What an earlier epoch has committed; the rest is committed now. */
  constructor(
    partition: LonePartition,
    range: ReadableRange,
    logManager: Pick<PartitionLogManager, "requestFlush">,
  ) {
    this.#partition = partition;
    this.#range = range;
    this.#logManager = logManager;
    const { log, config } = partition;
    const { highWatermark } = range;
    if (highWatermark >= log.logEndOffset || log.isClosed) return;
    if (log.flushedOffset >= log.logEndOffset || config.get("flush") !== "commit") {
      range.advance(log.logEndOffset);
    } else if (log.offlineError === undefined) this.#joinFlush(highWatermark);
  }

  commit(firstOffset: number, endOffset: number, acks: Acks): Promise<void> | undefined {
    const { log, config } = this.#partition;
    const { flushedOffset } = log;
    const { flushMessages, flushMs } = config.logConfig;
    const flush = config.get("flush");
    if (endOffset > flushedOffset) {
      const isCommit = flush === "commit" && acks === Acks.all;
      if (isCommit || endOffset - flushedOffset >= flushMessages) {
        return this.#joinFlush(firstOffset);
      }
      if (flushMs < NO_LIMIT) this.#logManager.requestFlush(log, flushMs);
      else if (flush === "interval") this.#logManager.requestFlush(log, DEFAULT_INTERVAL_MS);
    }
    if (this.#flushing === undefined && this.#queued === undefined) {
      this.#range.advance(log.logEndOffset);
    }
    return undefined;
  }

  end(error: unknown): void {
    this.#flushing?.reject(error);
    this.#queued?.reject(error);
    this.#flushing = this.#queued = undefined;
  }

  #joinFlush(firstOffset: number): Promise<void> {
    if (this.#queued === undefined) {
      this.#queued = newGroup(firstOffset);
      if (this.#flushing === undefined) turnEnd().then(() => this.#flush());
    }
    return this.#queued.promise;
  }

  #flush(): void {
    const group = this.#queued;
    if (group === undefined || this.#flushing !== undefined) return;
    this.#queued = undefined;
    this.#flushing = group;
    this.#partition.log.flush().then(() => this.#flushed(group), (error) => {
      this.end(error);
      this.#range.notify();
    });
  }

  #flushed(group: CommitGroup): void {
    if (this.#flushing !== group) return;
    this.#flushing = undefined;
    const next = this.#queued;
    this.#range.advance(next === undefined ? this.#partition.log.logEndOffset : next.firstOffset);
    group.resolve();
    // Acknowledged clients may send more, in time for the next flush.
    if (next !== undefined) turnEnd().then(() => this.#flush());
  }
}

function newGroup(firstOffset: number): CommitGroup {
  const group = { firstOffset, ...Promise.withResolvers<void>() };
  // The rejection is also handled here, in case nothing waits for the promise.
  group.promise.catch(() => {});
  return group;
}
