/**
 * The partitions assigned to a member, and the progress of the program in each.
 *
 * Being returned and being processed are different things: `doneOffset` advances to the position
 * when the program asks for more messages, and only that is committed automatically. So messages
 * are never skipped, whatever happens while the program processes them.
 *
 * @module
 */

import type { GroupOffset } from "./group_types.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import type { StartOffset } from "../consumer/consumer_options.ts";
import {
  describeError,
  DqueueError,
  isRetriable,
  KafkaError,
  ProtocolError,
  UsageError,
} from "../errors.ts";
import type { Fetcher } from "../consumer/fetcher.ts";
import type { ResolvedGroupOptions } from "./group_consumer_options.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { type PartitionHolder, placeName } from "./membership.ts";
import type { Message } from "../consumer/message.ts";
import { hasMovedOn, type OffsetCommitter } from "./offset_committer.ts";
import { lookUpOffsets } from "../consumer/offset_lookup.ts";
import { ensureNotBeyond } from "../consumer/offset_range.ts";
import { PartitionReader } from "../consumer/partition_reader.ts";
import { ReaderRound } from "../consumer/reader_round.ts";
import { noPosition } from "../consumer/subscription.ts";
import type { WakeSignal } from "../connection/wake_signal.ts";
import { ErrorCode } from "../../protocol/errors.ts";

/** A partition assigned to this member. */
export interface HeldPartition {
  readonly reader: PartitionReader;
  /** The topic id, which detects a topic that was created again. */
  topicId: string | undefined;
  /** The offset after the last processed message; −1 if there is no position. */
  doneOffset: number;
  /** The committed offset, as far as known; −1 if there is none. */
  committedOffset: number;
  /** Whether its messages are withheld, since it is being revoked or positioned. */
  isWithheld: boolean;
}

/** The parts that the holder depends on. */
export interface HolderParts {
  readonly core: ClientCore;
  readonly options: ResolvedGroupOptions;
  readonly fetcher: Fetcher;
  readonly committer: OffsetCommitter;
  /** Notified of messages, of partitions, and when the program has asked for messages. */
  readonly news: WakeSignal;
  /** Receives an error to be thrown to the program. */
  readonly onError: (error: unknown) => void;
  /** Called when a callback of the program begins and returns. */
  readonly onCallback: () => void;
}

/** The callbacks that receive partitions. */
type CallbackName = "onAssigned" | "onRevoked" | "onLost";

/** The time limit of a commit that others wait for, in milliseconds. */
const LAST_COMMIT_MS = 5000;

/** The partitions assigned to a member. */
export class HeldPartitions implements PartitionHolder {
  readonly #parts: HolderParts;
  readonly #round: ReaderRound;
  readonly #held = new Map<string, HeldPartition>();
  /** The number of pending calls for messages: while there are any, the program processes none. */
  #waitingCalls = 0;
  /** The partition of the last message returned by an iterator. */
  #current: HeldPartition | undefined;
  /** Partitions of topics that were unsubscribed. */
  readonly #unread = new Set<string>();
  #callback: CallbackName | undefined;

  constructor(parts: HolderParts) {
    this.#parts = parts;
    this.#round = new ReaderRound(parts.fetcher);
  }

  get partitions(): readonly TopicPartition[] {
    return Array.from(this.#held.values(), ({ reader: { topic, partition } }) => ({
      topic,
      partition,
    }));
  }

  /** All partitions, with their progress. */
  get all(): Iterable<HeldPartition> {
    return this.#held.values();
  }

  /** The callback of the program that is running, during which nothing may wait for the group. */
  get callback(): CallbackName | undefined {
    return this.#callback;
  }

  /** A partition; undefined if it is not assigned to this member. */
  get(topic: string, partition: number): HeldPartition | undefined {
    return this.#held.get(placeName({ topic, partition }));
  }

  /**
   * Returns a partition, or all of a topic.
   *
   * @param action The operation, for the error.
   * @throws {UsageError} If none is assigned to this member.
   */
  find(action: string, topic: string, partition: number | undefined): HeldPartition[] {
    const found = Array.from(this.#held.values()).filter(({ reader }) =>
      reader.topic === topic && (partition === undefined || reader.partition === partition)
    );
    if (found.length > 0) return found;
    const what = partition === undefined ? topic : `${topic}-${partition}`;
    throw new UsageError(
      `Cannot ${action} "${what}": it is not assigned to this consumer`,
      "Check the assignment first, or do it in onAssigned",
    );
  }

  /** A description of what reading waits for. */
  get waitingFor(): string {
    const readers = Array.from(this.#held.values(), ({ reader }) => reader);
    if (readers.every(({ isPaused }) => isPaused)) return "resume() of its partitions";
    if (readers.some(({ hasMessages }) => hasMessages)) return "the program to ask for messages";
    const failing = readers.find(({ failures }) => failures > 0);
    if (failing === undefined) return "messages";
    const { topic, partition, failures } = failing;
    return `"${topic}-${partition}" to be fetched again after ${failures} failures`;
  }

  /**
   * Returns up to `max` messages; earlier ones count as processed. @throws Like
   * `ReaderRound.take()`.
   */
  take(max: number): Message[] {
    this.markDone();
    return this.#round.take(max);
  }

  /**
   * Returns the next message; the previous one counts as processed. @throws Like
   * `ReaderRound.next()`.
   */
  next(): Message | undefined {
    const current = this.#current;
    if (current !== undefined) {
      current.doneOffset = current.reader.position;
      if (current.isWithheld) this.#parts.news.notify();
    }
    const message = this.#round.next();
    this.#current = message === undefined
      ? undefined
      : current?.reader.topic === message.topic && current.reader.partition === message.partition
      ? current
      : this.get(message.topic, message.partition);
    return message;
  }

  /**
   * Waits for a change. The program has asked for messages, so it has processed all it was given.
   */
  async waitForNews(ms: number, signal?: AbortSignal): Promise<boolean> {
    this.markDone();
    this.#waitingCalls++;
    try {
      return await this.#parts.news.wait(ms, signal);
    } finally {
      this.#waitingCalls--;
    }
  }

  /** Marks all returned messages as processed. */
  markDone(): void {
    this.#current = undefined;
    let wasBusy = false;
    for (const held of this.#held.values()) {
      const { position } = held.reader;
      if (position < 0 || position === held.doneOffset) continue;
      held.doneOffset = position;
      if (held.isWithheld) wasBusy = true;
    }
    // Revoking partitions waits for this.
    if (wasBusy) this.#parts.news.notify();
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
  async seekTo(
    { topic, partition }: TopicPartition,
    place: StartOffset,
    options: OperationOptions,
  ): Promise<number> {
    this.find("seek in", topic, partition);
    const offset = typeof place === "number"
      ? place
      : await this.#lookUp({ topic, partition }, place, options);
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new UsageError(
        `Cannot read "${topic}-${partition}": offset is ${offset}, it must be an integer of at least 0`,
      );
    }
    if (typeof place === "number") {
      const action = `seek in "${topic}-${partition}"`;
      await ensureNotBeyond(this.#parts.core, action, { topic, partition }, offset, options);
    }
    const [held] = this.find("seek in", topic, partition);
    held!.reader.seek(offset);
    held!.doneOffset = offset;
    if (this.#current === held) this.#current = undefined;
    this.#parts.fetcher.wake();
    return offset;
  }

  /** For a timestamp after the last message it is the end. */
  async #lookUp(
    { topic, partition }: TopicPartition,
    place: Exclude<StartOffset, number>,
    options: OperationOptions,
  ): Promise<number> {
    const { core, options: { reading: { isolationLevel } } } = this.#parts;
    for (const at of [place, "latest"] as const) {
      const queries = [{ topic, partition, at }];
      const [found] = await lookUpOffsets(core, queries, isolationLevel, options);
      if (found!.offset >= 0) return found!.offset;
    }
    return -1;
  }

  /** Records committed offsets. */
  onCommitted(offsets: readonly GroupOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const held = this.get(topic, partition);
      if (held === undefined) continue;
      held.committedOffset = offset;
    }
  }

  /** Records the progress that the program declares by a commit. */
  onCommitting(offsets: readonly GroupOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const held = this.get(topic, partition);
      if (held === undefined || offset <= held.doneOffset || offset > held.reader.position) {
        continue;
      }
      held.doneOffset = offset;
      if (held.isWithheld) this.#parts.news.notify();
    }
  }

  /** The offsets after all returned messages, where they are not committed. */
  uncommittedPositions(): GroupOffset[] {
    const offsets: GroupOffset[] = [];
    for (const { reader: { topic, partition, position }, committedOffset } of this.#held.values()) {
      if (position >= 0 && position !== committedOffset) {
        offsets.push({ topic, partition, offset: position });
      }
    }
    return offsets;
  }

  /**
   * Commits the processed messages of these partitions.
   *
   * @throws {DqueueError} If the commit fails.
   */
  async commitDone(among?: ReadonlySet<string>, options: OperationOptions = {}): Promise<void> {
    if (this.#uncommitted(among).length === 0) return;
    let sent: readonly GroupOffset[] = [];
    await this.#parts.committer.commit(() => sent = this.#uncommitted(among), options);
    this.onCommitted(sent);
  }

  async revoke(
    partitions: readonly TopicPartition[],
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const names = new Set(partitions.map(placeName).filter((name) => this.#held.has(name)));
    if (names.size === 0) return;
    this.#withhold(names);
    await this.#untilDone(names, waitMs, signal);
    if (this.#parts.options.autoCommit) await this.#commitBeforeRevoke(names);
    await this.#tell("onRevoked", this.#placesOf(names));
    this.#drop(names);
  }

  async lose(): Promise<void> {
    const names = new Set(this.#held.keys());
    if (names.size === 0) return;
    const places = this.#placesOf(names);
    this.#drop(names);
    await this.#tell("onLost", places);
  }

  async assign(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    if (partitions.length === 0) return;
    const { core, options: { reading }, committer, fetcher, news } = this.#parts;
    const committed = await committer.fetch(partitions, { signal });
    const readers = partitions.map(({ topic, partition }) =>
      new PartitionReader(topic, partition, reading, () => news.notify())
    );
    const lost = readers.filter((_, i) => committed[i]!.offset < 0);
    readers.forEach((reader, i) => {
      if (committed[i]!.offset >= 0) reader.seek(committed[i]!.offset);
    });
    const at = reading.autoOffsetReset;
    if (at === "none") {
      for (const reader of lost) reader.fail(noPosition(reader));
    } else if (lost.length > 0) {
      const queries = lost.map(({ topic, partition }) => ({ topic, partition, at }));
      const found = await lookUpOffsets(core, queries, reading.isolationLevel, { signal });
      lost.forEach((reader, i) => reader.seek(found[i]!.offset));
    }
    signal.throwIfAborted();
    readers.forEach((reader, i) => {
      this.#held.set(placeName(reader), {
        reader,
        topicId: core.metadata.topic(reader.topic)?.id,
        doneOffset: reader.position,
        committedOffset: committed[i]!.offset,
        isWithheld: true,
      });
    });
    await this.#tell("onAssigned", partitions);
    for (const reader of readers) {
      const held = this.#held.get(placeName(reader));
      if (held?.reader !== reader) continue;
      held.isWithheld = false;
      fetcher.add(reader);
    }
    // The subscription may have changed since the assignment.
    this.onTopics();
    news.notify();
  }

  /** Withholds messages of unsubscribed topics, until they are revoked or subscribed again. */
  onTopics(): void {
    const { topics } = this.#parts.options;
    for (const [name, held] of this.#held) {
      const isRead = topics.includes(held.reader.topic);
      if (!isRead && !held.isWithheld) {
        held.isWithheld = true;
        this.#unread.add(name);
      } else if (isRead && this.#unread.delete(name)) held.isWithheld = false;
    }
    this.#collect();
  }

  /** Drops all partitions without notification. */
  clear(): void {
    this.#drop(new Set(this.#held.keys()));
  }

  /** Restarts topics that were deleted and created again at their beginning. */
  onMetadata(): void {
    for (const held of this.#held.values()) {
      const id = this.#parts.core.metadata.topic(held.reader.topic)?.id;
      if (id === undefined || id === held.topicId) continue;
      const wasKnown = held.topicId !== undefined;
      held.topicId = id;
      if (wasKnown) held.reader.reset("earliest");
    }
  }

  /** The offsets after all processed messages, where they are not committed. */
  #uncommitted(among?: ReadonlySet<string>): GroupOffset[] {
    // While a call waits, the position also advances past skipped batches.
    if (this.#waitingCalls > 0) this.markDone();
    const offsets: GroupOffset[] = [];
    for (const [name, held] of this.#held) {
      if (among !== undefined && !among.has(name)) continue;
      if (held.doneOffset < 0 || held.doneOffset === held.committedOffset) continue;
      const { topic, partition } = held.reader;
      offsets.push({ topic, partition, offset: held.doneOffset });
    }
    return offsets;
  }

  #withhold(names: ReadonlySet<string>): void {
    for (const name of names) {
      this.#held.get(name)!.isWithheld = true;
      this.#unread.delete(name);
    }
    this.#collect();
  }

  /** Waits until the program has processed its messages of these partitions. */
  async #untilDone(
    names: ReadonlySet<string>,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const until = performance.now() + waitMs;
    while (this.#isBusy(names)) {
      const left = until - performance.now();
      if (left <= 0 || signal?.aborted) return;
      await this.#parts.news.wait(left, signal).catch(() => {});
    }
  }

  #isBusy(names: ReadonlySet<string>): boolean {
    if (this.#waitingCalls > 0) return false;
    for (const name of names) {
      const held = this.#held.get(name);
      if (held !== undefined && held.reader.position > held.doneOffset) return true;
    }
    return false;
  }

  async #commitBeforeRevoke(names: ReadonlySet<string>): Promise<void> {
    const { core, onError } = this.#parts;
    try {
      await this.commitDone(names, { timeoutMs: Math.min(core.options.timeoutMs, LAST_COMMIT_MS) });
    } catch (error) {
      // The next owner repeats messages that could not be committed, as at-least-once allows.
      if (!hasMovedOn(error) && !isRetriable(error)) onError(error);
    }
  }

  async #tell(name: CallbackName, partitions: readonly TopicPartition[]): Promise<void> {
    const { options: { [name]: callback }, onCallback, onError } = this.#parts;
    if (callback === undefined) return;
    this.#callback = name;
    onCallback();
    try {
      await callback(partitions);
    } catch (error) {
      onError(error);
    } finally {
      this.#callback = undefined;
      onCallback();
    }
  }

  #placesOf(names: ReadonlySet<string>): TopicPartition[] {
    return this.partitions.filter((place) => names.has(placeName(place)));
  }

  #drop(names: ReadonlySet<string>): void {
    for (const name of names) {
      const held = this.#held.get(name);
      if (held === undefined) continue;
      this.#held.delete(name);
      this.#unread.delete(name);
      this.#parts.fetcher.remove(held.reader);
      if (this.#current === held) this.#current = undefined;
    }
    this.#collect();
  }

  #collect(): void {
    this.#round.readers = Array.from(this.#held.values())
      .filter(({ isWithheld }) => !isWithheld)
      .map(({ reader }) => reader);
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

/** Converts any error to one of the SDK. */
export function asDqueueError(action: string, error: unknown): DqueueError {
  if (error instanceof DqueueError) return error;
  return new ProtocolError(`Cannot ${action}: ${describeError(error)}`, { cause: error });
}
