/**
 * Commits offsets for a member of a group, one request at a time, to preserve their order.
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
import type { Coordinator } from "../connection/coordinator.ts";
import { type Committer, requestOffsetCommit, requestOffsetFetch } from "./group_offsets.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { abortable } from "../connection/waiting.ts";

/** The member that commits. */
export interface CommittingMember {
  /** Its current identity at the coordinator. */
  readonly committer: Committer;
  /** Called when a commit was refused because the group has moved on. */
  onCommitRefused(error: KafkaError, committer: Committer): void;
}

/** Commits and fetches offsets. */
export class OffsetCommitter {
  readonly #core: ClientCore;
  readonly #coordinator: Coordinator;
  readonly #groupId: string;
  readonly #member: CommittingMember;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    core: ClientCore,
    coordinator: Coordinator,
    groupId: string,
    member: CommittingMember,
  ) {
    this.#core = core;
    this.#coordinator = coordinator;
    this.#groupId = groupId;
    this.#member = member;
  }

  /**
   * Commits the offsets that `offsets` returns; it is called for each attempt.
   *
   * @throws {KafkaError} If the coordinator refuses permanently.
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
    const { committer } = this.#member;
    const access = { coordinator: this.#coordinator, lane: this.#core.control, signal };
    try {
      await requestOffsetCommit(access, committer, offsets);
    } catch (error) {
      if (!hasMovedOn(error)) throw error;
      this.#member.onCommitRefused(error, committer);
      if (error.code !== "STALE_MEMBER_EPOCH") throw error;
      // The member is in the group, but does not know its new epoch yet (KIP-848).
      const { message, code, advice } = error;
      throw new DqueueError(message, { code, advice, retriable: true, cause: error });
    }
  }

  /** Fetches the committed offsets of partitions, in their order. */
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
          this.#member.committer,
          partitions,
        ),
    );
  }
}

/** The codes of a commit by a non-member, or by a member of another generation. */
const MOVED_ON: ReadonlySet<string> = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "STALE_MEMBER_EPOCH",
  "FENCED_MEMBER_EPOCH",
  "FENCED_INSTANCE_ID",
]);

/** Whether a commit failed because of a past or pending rebalance. */
export function hasMovedOn(error: unknown): error is KafkaError {
  return error instanceof KafkaError && MOVED_ON.has(error.code);
}
