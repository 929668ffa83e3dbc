/**
 * The consecutive sessions of a group consumer: each begins after the previous one has ended.
 *
 * @module
 */

import type { ClientCore } from "../connection/client_core.ts";
import type { GroupCommits } from "./group_commits.ts";
import type { GroupConsumerStatus, ResolvedGroupOptions } from "./group_consumer_options.ts";
import type { GroupCoordinator } from "./group_coordinator.ts";
import { GroupSession, leftStatus } from "./group_session.ts";
import type { HeldPartitions } from "./held_partitions.ts";
import type { PollWatch } from "./poll_watch.ts";

/** The parts that sessions depend on. */
export interface GroupSessionsParts {
  readonly core: ClientCore;
  readonly options: ResolvedGroupOptions;
  readonly coordinator: GroupCoordinator;
  readonly held: HeldPartitions;
  readonly commits: GroupCommits;
  readonly pollWatch: PollWatch;
  /** Called when the status has changed. */
  readonly onChange: () => void;
}

/** Begins and ends sessions. */
export class GroupSessions {
  readonly #parts: GroupSessionsParts;
  #current: GroupSession | undefined;
  #ending: Promise<void> | undefined;
  #leftStatus = leftStatus("joinGroup() or the first poll()");

  constructor(parts: GroupSessionsParts) {
    this.#parts = parts;
  }

  /** The current session, which may be ending; undefined if there is none. */
  get current(): GroupSession | undefined {
    return this.#current;
  }

  /** The current status. */
  get status(): GroupConsumerStatus {
    return this.#current?.status ?? this.#leftStatus;
  }

  /** Ends a failed session, and waits for one that is ending. */
  async settle(): Promise<void> {
    if (this.#current?.failure !== undefined) await this.end(this.#leftStatus.waitingFor);
    await this.#ending;
  }

  /** Begins a session; there must be none. */
  start(): GroupSession {
    const { core, options, coordinator, held, commits, pollWatch, onChange } = this.#parts;
    const session = new GroupSession({ core, options, coordinator, held, onChange });
    this.#current = session;
    session.joined.then(() => this.#current === session && pollWatch.start(), () => {});
    if (options.autoCommit) commits.start(options.autoCommitIntervalMs);
    onChange();
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
    const { held, commits, pollWatch, onChange } = this.#parts;
    commits.stop();
    return this.#ending ??= session.end(() => held.revoke(held.partitions, 0)).finally(() => {
      pollWatch.stop();
      held.clear();
      this.#current = undefined;
      this.#ending = undefined;
      this.#leftStatus = leftStatus(waitingFor);
      onChange();
    });
  }
}
