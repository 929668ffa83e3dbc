/**
 * The consecutive sessions of a group consumer: each begins after the previous one has ended.
 *
 * @module
 */

import type { GroupCommits } from "./group_commits.ts";
import { type GroupContext, leftStatus } from "./group_context.ts";
import { GroupSession } from "./membership/group_session.ts";
import type { HeldPartitions } from "./held_partitions.ts";
import type { PartitionHandover } from "./partition_handover.ts";
import { PollWatch } from "./poll_watch.ts";

/** Begins and ends sessions. */
export class GroupSessions {
  /** Ends the session of a program that no longer asks for messages. */
  readonly pollWatch: PollWatch;
  readonly #context: GroupContext;
  readonly #handover: PartitionHandover;
  readonly #commits: GroupCommits;
  #current: GroupSession | undefined;
  #ending: Promise<void> | undefined;

  constructor(
    context: GroupContext,
    held: HeldPartitions,
    handover: PartitionHandover,
    commits: GroupCommits,
  ) {
    this.#context = context;
    this.#handover = handover;
    this.#commits = commits;
    const { maxPollIntervalMs } = context.options;
    this.pollWatch = new PollWatch(maxPollIntervalMs, held, () => this.#onOverdue());
  }

  /** The current session, which may be ending; undefined if there is none. */
  get current(): GroupSession | undefined {
    return this.#current;
  }

  /** Ends a failed session, and waits for one that is ending. */
  async settle(): Promise<void> {
    if (this.#current?.failure !== undefined) await this.end(this.#context.leftStatus.waitingFor);
    await this.#ending;
  }

  /** Begins a session; there must be none. */
  start(): GroupSession {
    const { options } = this.#context;
    this.#context.clearErrors();
    const session = new GroupSession(this.#context, this.#handover);
    this.#current = this.#context.session = session;
    session.joined.then(() => this.#current === session && this.pollWatch.start(), () => {});
    if (options.autoCommit) this.#commits.start(options.autoCommitIntervalMs);
    this.#context.changed();
    return session;
  }

  /**
   * Ends the session, if any, after its current operation on partitions.
   *
   * @param waitingFor What the consumer waits for afterwards.
   */
  end(waitingFor: string): Promise<void> {
    const session = this.#current;
    if (session === undefined) return Promise.resolve();
    const handover = this.#handover;
    this.#commits.stop();
    return this.#ending ??= session.end(() => handover.revoke(handover.partitions, 0)).finally(
      () => {
        this.pollWatch.stop();
        handover.clear();
        this.#current = this.#context.session = undefined;
        this.#ending = undefined;
        this.#context.leftStatus = leftStatus(waitingFor);
        this.#context.changed();
      },
    );
  }

  /**
   * Leaves because the program no longer asks for messages; those it holds may never be processed.
   */
  #onOverdue(): void {
    this.end("the program to ask for messages, which it has not for maxPollIntervalMs")
      .catch((error) => this.#context.addError(error));
  }
}
