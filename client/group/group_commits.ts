/**
 * When a group consumer commits: on a timer, and when the program calls `commit()`.
 *
 * @module
 */

import type { GroupOffset } from "./group_types.ts";
import type { OperationOptions } from "../connection/client_core.ts";
import { Deadline } from "../connection/deadline.ts";
import { isRetriable } from "../errors.ts";
import type { GroupSession } from "./group_session.ts";
import { type HeldPartitions, notHeld } from "./held_partitions.ts";
import { hasMovedOn, type OffsetCommitter } from "./offset_committer.ts";
import { delay } from "../connection/waiting.ts";
import type { WakeSignal } from "../connection/wake_signal.ts";
import { Timer } from "../connection/timer.ts";

/** The parts that commits depend on. */
export interface GroupCommitsParts {
  readonly held: HeldPartitions;
  readonly committer: OffsetCommitter;
  /** Notified when the membership changes. */
  readonly news: WakeSignal;
  /** The default time limit of a commit. */
  readonly timeoutMs: number;
  /** The wait before a refused commit is retried. */
  readonly backoffMs: number;
  /** The current session, if any. */
  readonly session: () => GroupSession | undefined;
  /** Receives an error to be thrown to the program. */
  readonly onError: (error: unknown) => void;
}

/** Commits the progress of the program. */
export class GroupCommits {
  readonly #parts: GroupCommitsParts;
  #timer: Timer | undefined;
  #stopping = new AbortController();
  #isAutoCommitting = false;

  constructor(parts: GroupCommitsParts) {
    this.#parts = parts;
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
    const { held, committer, session } = this.#parts;
    held.onCommitting(offsets);
    const timeoutMs = options.timeoutMs ?? this.#parts.timeoutMs;
    using deadline = new Deadline("commit offsets", timeoutMs, options.signal);
    const { signal } = deadline;
    for (;;) {
      const own = offsets.filter(({ topic, partition }) => held.get(topic, partition));
      try {
        await committer.commit(() => own, { signal, timeoutMs: deadline.remainingMs });
        held.onCommitted(own);
        const lost = offsets.find((offset) => !own.includes(offset));
        if (lost !== undefined) throw notHeld(lost);
        return;
      } catch (error) {
        // During a callback the group waits for the program, so the program cannot wait for the
        // group.
        if (!hasMovedOn(error) || own.length < offsets.length || held.callback !== undefined) {
          throw error;
        }
        deadline.cause = error;
        await delay(this.#parts.backoffMs, signal);
        await this.#untilSettled(signal);
        if (session()?.isSettled !== true) throw error;
      }
    }
  }

  /** Waits until the member has its partitions, or is no longer a member. */
  async #untilSettled(signal: AbortSignal): Promise<void> {
    for (;;) {
      const session = this.#parts.session();
      if (session === undefined || session.isSettled || session.failure !== undefined) return;
      await this.#parts.news.wait(Infinity, signal);
    }
  }

  async #autoCommit(): Promise<void> {
    const { held, session, onError } = this.#parts;
    if (this.#isAutoCommitting || session()?.isSettled !== true) return;
    this.#isAutoCommitting = true;
    const { signal } = this.#stopping;
    try {
      await held.commitDone(undefined, { signal });
    } catch (error) {
      // A member that has to rejoin commits the partitions it keeps later. An unreachable
      // coordinator is retried after the next interval, and the status reports it.
      if (!signal.aborted && !hasMovedOn(error) && !isRetriable(error)) onError(error);
    } finally {
      this.#isAutoCommitting = false;
    }
  }
}
