/**
 * The partitions that a member of a group holds, and how far the program is in each.
 *
 * What a partition has handed out is one thing, what the program is done with another: `doneOffset` goes
 * up to what was handed out when the program comes back for more, and only that is committed without being
 * asked for. So whatever happens while the program works on messages, they are not skipped.
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

/** A partition that this member holds. */
export interface HeldPartition {
  readonly reader: PartitionReader;
  /** The id of the topic, to tell when it was made anew. */
  topicId: string | undefined;
  /** The offset after the last message that the program is done with; −1 if there is no position. */
  doneOffset: number;
  /** What was committed last, as far as known; −1 for nothing. */
  committedOffset: number;
  /** Whether nothing of it is handed out, since it is being given up or taken on. */
  isWithheld: boolean;
}

/** What a holder works with. */
export interface HolderParts {
  readonly core: ClientCore;
  readonly options: ResolvedGroupOptions;
  readonly fetcher: Fetcher;
  readonly committer: OffsetCommitter;
  /** Told of new messages, of new partitions, and when the program has come back for more. */
  readonly news: WakeSignal;
  /** Takes an error that the program has to be told of. */
  readonly onError: (error: unknown) => void;
  /** Told when a callback of the program begins and when it has returned. */
  readonly onCallback: () => void;
}

/** The callbacks of a program that partitions are told to. */
type CallbackName = "onAssigned" | "onRevoked" | "onLost";

/** How long a commit may take that others wait for, in milliseconds. */
const LAST_COMMIT_MS = 5000;

/** The partitions of a member. */
export class HeldPartitions implements PartitionHolder {
  readonly #parts: HolderParts;
  readonly #round: ReaderRound;
  readonly #held = new Map<string, HeldPartition>();
  /** Calls for more messages that wait: while there are any, the program works on none. */
  #waitingCalls = 0;
  /** The partition of the message that an iterator has handed out last. */
  #current: HeldPartition | undefined;
  /** Partitions of topics that are read no longer. */
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

  /** All partitions with how far they are. */
  get all(): Iterable<HeldPartition> {
    return this.#held.values();
  }

  /** The callback of the program that is under way, during which nobody may wait for the group. */
  get callback(): CallbackName | undefined {
    return this.#callback;
  }

  /** A partition, undefined if this member does not hold it. */
  get(topic: string, partition: number): HeldPartition | undefined {
    return this.#held.get(placeName({ topic, partition }));
  }

  /**
   * A partition, or all of a topic.
   *
   * @param action What is to be done with them, for the error.
   * @throws {UsageError} If this member holds none of them.
   */
  find(action: string, topic: string, partition: number | undefined): HeldPartition[] {
    const found = Array.from(this.#held.values()).filter(({ reader }) =>
      reader.topic === topic && (partition === undefined || reader.partition === partition)
    );
    if (found.length > 0) return found;
    const what = partition === undefined ? topic : `${topic}-${partition}`;
    throw new UsageError(
      `Cannot ${action} "${what}": it does not belong to this consumer now`,
      "Look at the assignment first, or do it in onAssigned",
    );
  }

  /** What reading them waits for, in words. */
  get waitingFor(): string {
    const readers = Array.from(this.#held.values(), ({ reader }) => reader);
    if (readers.every(({ isPaused }) => isPaused)) return "resume() of its partitions";
    if (readers.some(({ hasMessages }) => hasMessages)) return "the program to ask for messages";
    const failing = readers.find(({ failures }) => failures > 0);
    if (failing === undefined) return "messages";
    const { topic, partition, failures } = failing;
    return `"${topic}-${partition}" to be fetched again after ${failures} failures`;
  }

  /** Up to `max` messages. What was handed out before counts as done. @throws as `ReaderRound.take()`. */
  take(max: number): Message[] {
    this.markDone();
    return this.#round.take(max);
  }

  /** The next message. The one handed out before counts as done. @throws as `ReaderRound.next()`. */
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

  /** Waits for news; the program has come back for more, so it is done with all it has got. */
  async waitForNews(ms: number, signal?: AbortSignal): Promise<boolean> {
    this.markDone();
    this.#waitingCalls++;
    try {
      return await this.#parts.news.wait(ms, signal);
    } finally {
      this.#waitingCalls--;
    }
  }

  /** Notes that the program is done with all it has got. */
  markDone(): void {
    this.#current = undefined;
    let wasBusy = false;
    for (const held of this.#held.values()) {
      const { position } = held.reader;
      if (position < 0 || position === held.doneOffset) continue;
      held.doneOffset = position;
      if (held.isWithheld) wasBusy = true;
    }
    // Whoever gives up partitions waits for this.
    if (wasBusy) this.#parts.news.notify();
  }

  /**
   * Goes on at another place, which is then what is committed.
   *
   * @returns The offset.
   * @throws {UsageError} If this member does not hold the partition, or the offset is negative.
   * @throws {KafkaError} With `OFFSET_OUT_OF_RANGE` and the range there is, if the offset is beyond its end.
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
        `Cannot read "${topic}-${partition}": offset is ${offset}, not a whole number from 0 up`,
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

  /** For a time after the last message it is the end. */
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

  /** Notes what was committed. */
  onCommitted(offsets: readonly GroupOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const held = this.get(topic, partition);
      if (held === undefined) continue;
      held.committedOffset = offset;
    }
  }

  /** Notes how far the program says that it is, by what it commits. */
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

  /** What was handed out and is not committed. */
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
   * Commits what the program is done with, of these partitions.
   *
   * @throws {DqueueError} If it could not be committed.
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
    // Others may be read by now than when the assignment was made.
    this.onTopics();
    news.notify();
  }

  /** Hands out nothing of topics that are read no longer, until they are given up, or are read again. */
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

  /** Lets go of everything, without a word. */
  clear(): void {
    this.#drop(new Set(this.#held.keys()));
  }

  /** Starts topics that were deleted and made anew at their beginning. */
  onMetadata(): void {
    for (const held of this.#held.values()) {
      const id = this.#parts.core.metadata.topic(held.reader.topic)?.id;
      if (id === undefined || id === held.topicId) continue;
      const wasKnown = held.topicId !== undefined;
      held.topicId = id;
      if (wasKnown) held.reader.reset("earliest");
    }
  }

  /** What the program is done with and is not committed. */
  #uncommitted(among?: ReadonlySet<string>): GroupOffset[] {
    // The position goes on while a call waits, past what nobody gets to see.
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

  /** Waits until the program is done with the messages it has of these partitions. */
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
      await this.commitDone(names, { timeout: Math.min(core.options.timeoutMs, LAST_COMMIT_MS) });
    } catch (error) {
      // What could not be committed the next owner does again, as at-least-once allows.
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

/** Why nothing can be committed for a partition that this member does not hold. */
export function notHeld({ topic, partition }: TopicPartition): KafkaError {
  return new KafkaError(
    `commit offset of "${topic}-${partition}"`,
    ErrorCode.ILLEGAL_GENERATION,
    "the partition does not belong to this consumer now",
  );
}

/** Any error as one of the SDK. */
export function asDqueueError(action: string, error: unknown): DqueueError {
  if (error instanceof DqueueError) return error;
  return new ProtocolError(`Cannot ${action}: ${describeError(error)}`, { cause: error });
}
