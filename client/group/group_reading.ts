/**
 * Reading by a member of a group: joins when necessary, and returns messages of its partitions.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import type { StartOffset } from "../consumer/consumer_options.ts";
import type { Fetcher } from "../consumer/fetcher.ts";
import type { Message } from "../consumer/message.ts";
import type { MessageSource } from "../consumer/message_loop.ts";
import { resolveOffset } from "../consumer/offset_lookup.ts";
import { ensureNotBeyond } from "../consumer/offset_range.ts";
import { ReaderRound } from "../consumer/reader_round.ts";
import { ClosedError, UsageError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { GroupContext } from "./group_context.ts";
import type { CommittedOffset } from "./group_types.ts";
import type { GroupSessions } from "./group_sessions.ts";
import type { HeldPartition, HeldPartitions } from "./held_partitions.ts";

/** Returns the messages of a member's partitions. */
export class GroupReading implements MessageSource {
  readonly #context: GroupContext;
  readonly #held: HeldPartitions;
  readonly #fetcher: Fetcher;
  readonly #sessions: GroupSessions;
  readonly #round: ReaderRound;

  constructor(
    context: GroupContext,
    held: HeldPartitions,
    fetcher: Fetcher,
    sessions: GroupSessions,
  ) {
    this.#context = context;
    this.#held = held;
    this.#fetcher = fetcher;
    this.#sessions = sessions;
    this.#round = new ReaderRound(fetcher);
  }

  get isEnded(): boolean {
    return this.#context.isClosed || this.#context.hasLeft;
  }

  /** Joins unless this is a member. @throws The pending error of the program. */
  ensureReadable(): void {
    this.ensureOpen();
    if (this.#context.hasLeft) {
      throw new UsageError(
        "Cannot read: this consumer has left its group",
        "Call joinGroup() first",
      );
    }
    this.#context.throwError();
    const { session } = this.#context;
    if (session?.failure !== undefined) throw session.failure;
    if (session === undefined) this.#sessions.start();
  }

  /** @throws {ClosedError} If the consumer is closed. */
  ensureOpen(): void {
    if (this.#context.isClosed) throw closedError();
  }

  /** Returns up to `max` messages; earlier ones count as processed. */
  take(max: number): Message[] {
    this.#sessions.pollWatch.onCall();
    this.#held.markDone();
    this.#update();
    const messages = this.#round.take(max);
    this.#held.onReturned(messages);
    return messages;
  }

  /** Returns the next message; the previous one counts as processed. */
  next(): Message | undefined {
    this.#sessions.pollWatch.onCall();
    if (this.#context.session === undefined || this.#context.hasErrors) return undefined;
    this.#held.markCurrentDone();
    this.#update();
    const message = this.#round.next();
    this.#held.setCurrent(message);
    return message;
  }

  wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    return this.#held.waitForNews(ms, signal);
  }

  /**
   * Sets the position, which is then also the offset to commit.
   *
   * @returns The new position.
   * @throws {UsageError} If the partition is not assigned to this member, or the offset is
   * negative.
   * @throws {KafkaError} With `OFFSET_OUT_OF_RANGE` and the valid range, if the offset is beyond
   * the end.
   */
  async seek(
    place: TopicPartition,
    target: StartOffset,
    options: OperationOptions,
  ): Promise<number> {
    const { core, options: { reading: { isolationLevel } } } = this.#context;
    this.#find(place);
    const offset = await resolveOffset(core, place, target, isolationLevel, options);
    if (typeof target === "number") {
      const action = `seek in "${place.topic}-${place.partition}"`;
      await ensureNotBeyond(core, action, place, offset, options);
    }
    // It may have been revoked meanwhile.
    this.#held.seek(this.#find(place), offset);
    this.#fetcher.wake();
    return offset;
  }

  /** Sets the positions to committed offsets, or to the start where there are none. */
  rewind(committed: readonly CommittedOffset[]): void {
    this.#held.takeLoss();
    for (const { topic, partition, offset } of committed) {
      // It may have been revoked meanwhile.
      const held = this.#held.get(topic, partition);
      if (held === undefined) continue;
      if (offset >= 0) held.committedOffset = offset;
      const target = offset >= 0 ? offset : held.startOffset;
      if (target >= 0) this.#held.seek(held, target);
    }
    this.#fetcher.wake();
  }

  #find({ topic, partition }: TopicPartition): HeldPartition {
    const held = this.#held.get(topic, partition);
    if (held === undefined) throw this.#held.missing("seek in", `${topic}-${partition}`);
    return held;
  }

  #update(): void {
    const { readable } = this.#held;
    if (this.#round.readers !== readable) this.#round.readers = readable;
  }
}

/** The error of reading with a closed consumer. */
export function closedError(): ClosedError {
  return new ClosedError("Cannot read: the group consumer is closed");
}
