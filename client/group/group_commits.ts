/**
 * When a group consumer commits: on a timer, before partitions are revoked, and when the program
 * calls `commit()`.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { OperationOptions } from "../connection/client_core.ts";
import { Deadline } from "../connection/deadline.ts";
import { Timer } from "../connection/timer.ts";
import { delay } from "../connection/waiting.ts";
import { isRetriable, KafkaError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { GroupContext } from "./group_context.ts";
import type { GroupOffset } from "./group_types.ts";
import type { HeldPartitions } from "./held_partitions.ts";
import { hasMovedOn, type OffsetCommitter } from "./offset_committer.ts";

/** Commits the progress of the program. */
export class GroupCommits {
  readonly #context: GroupContext;
  readonly #held: HeldPartitions;
  readonly #committer: OffsetCommitter;
  #timer: Timer | undefined;
  #stopping = new AbortController();
  #isAutoCommitting = false;

  constructor(context: GroupContext, held: HeldPartitions, committer: OffsetCommitter) {
    this.#context = context;
    this.#held = held;
    this.#committer = committer;
  }

  /** Commits processed messages every `intervalMs` milliseconds. */
  start(intervalMs: number): void {
    this.#stopping = new AbortController();
    this.#timer = Timer.every(intervalMs, () => this.#autoCommit());
  }

  /** Stops the timer and aborts a commit in flight: a later commit includes its offsets. */
  stop(): void {
    this.#timer?.clear();
    this.#stopping.abort();
  }

  /**
   * Commits; during a rebalance, as soon as the member knows which partitions it keeps.
   *
   * @throws {KafkaError} If a partition no longer belongs to this member.
   */
  async commit(offsets: readonly GroupOffset[], options: OperationOptions): Promise<void> {
    const { core } = this.#context;
    this.#held.onCommitting(offsets);
    const timeoutMs = options.timeoutMs ?? core.options.timeoutMs;
    using deadline = new Deadline("commit offsets", timeoutMs, options.signal);
    const { signal } = deadline;
    for (;;) {
      const own = offsets.filter(({ topic, partition }) => this.#held.get(topic, partition));
      try {
        await this.#committer.commit(() => own, { signal, timeoutMs: deadline.remainingMs });
        this.#held.onCommitted(own);
        const lost = offsets.find((offset) => !own.includes(offset));
        if (lost !== undefined) throw notHeld(lost);
        return;
      } catch (error) {
        // During a callback the group waits for the program, so the program cannot wait for the
        // group.
        if (
          !hasMovedOn(error) || own.length < offsets.length || this.#context.callback !== undefined
        ) {
          throw error;
        }
        deadline.cause = error;
        await delay(core.options.initialBackoffMs, signal);
        await this.#untilSettled(signal);
        if (this.#context.session?.isSettled !== true) throw error;
      }
    }
  }

  /**
   * Commits processed messages.
   *
   * @param among The names of the partitions. Default: all.
   * @throws {DqueueError} If the commit fails.
   */
  async commitDone(among?: ReadonlySet<string>, options: OperationOptions = {}): Promise<void> {
    if (this.#held.uncommitted(among).length === 0) return;
    let sent: readonly GroupOffset[] = [];
    await this.#committer.commit(() => sent = this.#held.uncommitted(among), options);
    this.#held.onCommitted(sent);
  }

  /** Waits until the member has its partitions, or is no longer a member. */
  async #untilSettled(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { session, news } = this.#context;
      if (session === undefined || session.isSettled || session.failure !== undefined) return;
      await news.wait(Infinity, signal);
    }
  }

  async #autoCommit(): Promise<void> {
    if (this.#isAutoCommitting || this.#context.session?.isSettled !== true) return;
    this.#isAutoCommitting = true;
    const { signal } = this.#stopping;
    try {
      await this.commitDone(undefined, { signal });
    } catch (error) {
      // A member that has to rejoin commits the partitions it keeps later. An unreachable
      // coordinator is retried after the next interval, and the status reports it.
      if (!signal.aborted && !hasMovedOn(error) && !isRetriable(error)) {
        this.#context.addError(error);
      }
    } finally {
      this.#isAutoCommitting = false;
    }
  }
}

/** The error of a commit for a partition that is not assigned to this member. */
export function notHeld({ topic, partition }: TopicPartition): KafkaError {
  return new KafkaError(
    `commit offset of "${topic}-${partition}"`,
    ErrorCode.ILLEGAL_GENERATION,
    "the partition is not assigned to this consumer",
  );
}
