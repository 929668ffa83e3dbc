/**
 * Commits offsets for a member of a group, one request after the other, so that none overtakes a later one.
 *
 * @module
 */

import type { CommittedOffset, GroupOffset } from "./group_types.ts";
import {
  type ClientCore,
  isUnknownTopic,
  type OperationOptions,
} from "../connection/client_core.ts";
import { DqueueError, KafkaError } from "../errors.ts";
import type { GroupCoordinator } from "./group_coordinator.ts";
import { type Committer, requestOffsetCommit, requestOffsetFetch } from "./group_offsets.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { abortable } from "../connection/waiting.ts";

/** Commits offsets and asks for them. */
export class OffsetCommitter {
  readonly #core: ClientCore;
  readonly #coordinator: GroupCoordinator;
  readonly #groupId: string;
  readonly #committer: () => Committer;
  readonly #onRefused: (error: KafkaError, committer: Committer) => void;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param committer Who commits, as of now.
   * @param onRefused Told when a commit was refused, as the group has moved on.
   */
  constructor(
    core: ClientCore,
    coordinator: GroupCoordinator,
    groupId: string,
    committer: () => Committer,
    onRefused: (error: KafkaError, committer: Committer) => void,
  ) {
    this.#core = core;
    this.#coordinator = coordinator;
    this.#groupId = groupId;
    this.#committer = committer;
    this.#onRefused = onRefused;
  }

  /**
   * Commits what `offsets` gives at the time it is sent: a try after a failure asks for it anew.
   *
   * @throws {KafkaError} If the coordinator refuses for good.
   */
  commit(offsets: () => readonly GroupOffset[], options: OperationOptions): Promise<void> {
    const before = this.#last;
    const committed = this.#core.retry(
      `commit offsets of group "${this.#groupId}"`,
      options,
      async (signal) => {
        await abortable(before, signal);
        await this.#commitOnce(offsets(), signal);
      },
      isUnknownTopic,
    );
    this.#last = committed.catch(() => {}).then(() => before);
    return committed;
  }

  async #commitOnce(offsets: readonly GroupOffset[], signal: AbortSignal): Promise<void> {
    const committer = this.#committer();
    const access = { coordinator: this.#coordinator, lane: this.#core.control, signal };
    try {
      await requestOffsetCommit(access, committer, offsets);
    } catch (error) {
      if (!hasMovedOn(error)) throw error;
      this.#onRefused(error, committer);
      if (error.code !== "STALE_MEMBER_EPOCH") throw error;
      // The member is in the group, and has only not learnt of its new epoch yet (KIP-848).
      const { message, code, advice } = error;
      throw new DqueueError(message, { code, advice, retriable: true, cause: error });
    }
  }

  /** The committed offsets of partitions, in their order. */
  fetch(
    partitions: readonly TopicPartition[],
    options: OperationOptions,
  ): Promise<CommittedOffset[]> {
    return this.#core.retry(
      `fetch committed offsets of group "${this.#groupId}"`,
      options,
      (signal) =>
        requestOffsetFetch(
          { coordinator: this.#coordinator, lane: this.#core.control, signal },
          this.#committer(),
          partitions,
        ),
    );
  }
}

/** What a coordinator answers to a commit of a member that is none, or not of this generation. */
const MOVED_ON: ReadonlySet<string> = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "STALE_MEMBER_EPOCH",
  "FENCED_MEMBER_EPOCH",
  "FENCED_INSTANCE_ID",
]);

/** Whether a commit failed because the group has moved on, or is about to. */
export function hasMovedOn(error: unknown): error is KafkaError {
  return error instanceof KafkaError && MOVED_ON.has(error.code);
}
