/**
 * What a transaction needs of a group consumer, to send its offsets together with messages.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { Coordinator } from "../connection/coordinator.ts";
import { KafkaError, UsageError } from "../errors.ts";
import { notHeld } from "./group_commits.ts";
import type { GroupContext } from "./group_context.ts";
import { type Committer, ensureOffset } from "./group_offsets.ts";
import type { GroupOffset } from "./group_types.ts";
import type { HeldPartitions } from "./held_partitions.ts";
import { hasMovedOn } from "./offset_committer.ts";

/** The offsets of a group consumer. */
export class OffsetSource {
  readonly #context: GroupContext;
  readonly #held: HeldPartitions;

  constructor(context: GroupContext, held: HeldPartitions) {
    this.#context = context;
    this.#held = held;
  }

  get groupId(): string {
    return this.#context.options.groupId;
  }

  get coordinator(): Coordinator {
    return this.#context.coordinator;
  }

  /** The identity of the member, by which the coordinator tells it from later owners (KIP-447). */
  get committer(): Committer {
    return this.#context.committer;
  }

  /** @throws {UsageError} If the consumer commits offsets outside of transactions. */
  ensureManual(): void {
    if (!this.#context.options.autoCommit) return;
    throw new UsageError(
      `Cannot send offsets of group "${this.groupId}" in a transaction: its consumer commits by itself`,
      "Create the consumer with autoCommit: false, or its offsets are committed even if the " +
        "transaction is aborted",
    );
  }

  /** The offsets after all messages that the consumer has returned, where they are not committed. */
  positions(): GroupOffset[] {
    return this.#held.uncommittedPositions();
  }

  /**
   * Checks that offsets belong to this member, and that it still has all partitions whose messages
   * it has returned: another member processes those of a lost one again.
   *
   * @throws {KafkaError} If a partition is not assigned to it, with `ILLEGAL_GENERATION`.
   */
  ensureOwn(offsets: readonly GroupOffset[]): void {
    if (this.#held.takeLoss()) {
      throw new KafkaError(
        `send offsets of group "${this.groupId}"`,
        ErrorCode.ILLEGAL_GENERATION,
        "a partition whose messages this consumer has returned is no longer assigned to it",
      );
    }
    for (const offset of offsets) {
      ensureOffset(offset);
      if (this.#held.get(offset.topic, offset.partition) === undefined) throw notHeld(offset);
    }
  }

  /** Handles an error of the coordinator: the group may have moved on. */
  onRefused(error: unknown, committer: Committer): void {
    if (hasMovedOn(error)) this.#context.onCommitRefused(error, committer);
  }

  /** Records offsets that a transaction has committed. */
  onCommitted(offsets: readonly GroupOffset[]): void {
    this.#held.onCommitting(offsets);
    this.#held.onCommitted(offsets);
  }
}
