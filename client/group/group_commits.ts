/**
 * When a group consumer commits: on a timer, and when its program says so.
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

/** What commits work with. */
export interface GroupCommitsParts {
  readonly held: HeldPartitions;
  readonly committer: OffsetCommitter;
  /** Told when the membership changes. */
  readonly news: WakeSignal;
  /** How long a commit may take in all, unless it is told. */
  readonly timeoutMs: number;
  /** How long to wait before a commit that was refused is tried again. */
  readonly backoffMs: number;
  /** The stay in the group, if there is one now. */
  readonly session: () => GroupSession | undefined;
  /** Takes an error that the program has to be told of. */
  readonly onError: (error: unknown) => void;
}

/** Commits how far a program is. */
export class GroupCommits {
  readonly #parts: GroupCommitsParts;
  #timer: Timer | undefined;
  #stopping = new AbortController();
  #isAutoCommitting = false;

  constructor(parts: GroupCommitsParts) {
    this.#parts = parts;
  }

  /** Commits every `intervalMs` milliseconds what the program is done with. */
  start(intervalMs: number): void {
    this.#stopping = new AbortController();
    this.#timer = Timer.every(intervalMs, () => this.#autoCommit());
  }

  /** Commits no more by itself, and gives up what is on its way: what follows says more. */
  stop(): void {
    this.#timer?.clear();
    this.#stopping.abort();
  }

  /**
   * Commits; where the group has moved on, as soon as this member knows what is still its own.
   *
   * @throws {KafkaError} If a partition does not belong to this member any more.
   */
  async commit(offsets: readonly GroupOffset[], options: OperationOptions): Promise<void> {
    const { held, committer, session } = this.#parts;
    held.onCommitting(offsets);
    const timeoutMs = options.timeout ?? this.#parts.timeoutMs;
    using deadline = new Deadline("commit offsets", timeoutMs, options.signal);
    const { signal } = deadline;
    for (;;) {
      const own = offsets.filter(({ topic, partition }) => held.get(topic, partition));
      try {
        await committer.commit(() => own, { signal, timeout: deadline.remainingMs });
        held.onCommitted(own);
        const lost = offsets.find((offset) => !own.includes(offset));
        if (lost !== undefined) throw notHeld(lost);
        return;
      } catch (error) {
        // In a callback the group waits for the program, so the program cannot wait for the group.
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

  /** Waits until the member has its partitions, or is no member any more. */
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
      // A member that has to rejoin commits what it keeps later; a coordinator that cannot be reached
      // is asked again after the next interval, and the status tells of it.
      if (!signal.aborted && !hasMovedOn(error) && !isRetriable(error)) onError(error);
    } finally {
      this.#isAutoCommitting = false;
    }
  }
}
