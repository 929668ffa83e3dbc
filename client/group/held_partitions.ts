/**
 * The partitions assigned to a member, and the progress of the program in each.
 *
 * Being returned and being processed are different things: `doneOffset` advances to the position
 * when the program asks for more messages, and only that is committed automatically. So messages
 * are never skipped, whatever happens while the program processes them.
 *
 * This is plain state without I/O: `PartitionHandover` adds and removes partitions, `GroupReading`
 * reads from them, and `GroupCommits` commits the progress.
 *
 * @module
 */

import type { WakeSignal } from "../connection/wake_signal.ts";
import type { Message } from "../consumer/message.ts";
import type { ReaderOwner } from "../consumer/partition_controls.ts";
import type { PartitionReader } from "../consumer/partition_reader.ts";
import { UsageError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { GroupOffset } from "./group_types.ts";
import { placeName } from "./membership/membership.ts";

/** A partition assigned to this member. */
export interface HeldPartition {
  readonly reader: PartitionReader;
  /** The topic id, which detects a topic that was created again. */
  topicId: string | undefined;
  /** Where reading starts while nothing is committed; −1 if there is no position. */
  startOffset: number;
  /** The offset after the last processed message; −1 if there is no position. */
  doneOffset: number;
  /** The committed offset, as far as known; −1 if there is none. */
  committedOffset: number;
  /** Whether its messages are withheld, since it is being revoked or positioned. */
  isWithheld: boolean;
  /** Whether messages were returned that are not committed. */
  hasReturned: boolean;
}

/** The partitions assigned to a member. */
export class HeldPartitions implements ReaderOwner {
  readonly #news: WakeSignal;
  readonly #held = new Map<string, HeldPartition>();
  #readable: readonly PartitionReader[] | undefined;
  /** The partition of the last message returned by an iterator. */
  #current: HeldPartition | undefined;
  #hasLostMessages = false;
  #waitingCalls = 0;

  /** @param news Notified when a partition that is being revoked is processed. */
  constructor(news: WakeSignal) {
    this.#news = news;
  }

  /** The partitions. */
  get partitions(): readonly TopicPartition[] {
    return this.readers.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** The readers of all partitions. */
  get readers(): readonly PartitionReader[] {
    return Array.from(this.#held.values(), ({ reader }) => reader);
  }

  /** The readers whose messages are not withheld; the same list until that changes. */
  get readable(): readonly PartitionReader[] {
    return this.#readable ??= Array.from(this.#held.values())
      .filter(({ isWithheld }) => !isWithheld)
      .map(({ reader }) => reader);
  }

  /** All partitions by name, with their progress. */
  get entries(): Iterable<[name: string, held: HeldPartition]> {
    return this.#held;
  }

  /** Whether a partition is assigned to this member. */
  has(name: string): boolean {
    return this.#held.has(name);
  }

  /** A partition; undefined if it is not assigned to this member. */
  get(topic: string, partition: number): HeldPartition | undefined {
    return this.#held.get(placeName({ topic, partition }));
  }

  /** The reader of a partition; undefined if it is not assigned to this member. */
  reader(topic: string, partition: number): PartitionReader | undefined {
    return this.get(topic, partition)?.reader;
  }

  missing(action: string, what: string): UsageError {
    return new UsageError(
      `Cannot ${action} "${what}": it is not assigned to this consumer`,
      "Check the assignment first, or do it in onAssigned",
    );
  }

  /** A description of what reading waits for. */
  get waitingFor(): string {
    const { readers } = this;
    if (readers.every(({ isPaused }) => isPaused)) return "resume() of its partitions";
    if (readers.some(({ hasMessages }) => hasMessages)) return "the program to ask for messages";
    const failing = readers.find(({ failures }) => failures > 0);
    if (failing === undefined) return "messages";
    const { topic, partition, failures } = failing;
    return `"${topic}-${partition}" to be fetched again after ${failures} failures`;
  }

  /** Adds a partition. */
  add(held: HeldPartition): void {
    this.#held.set(placeName(held.reader), held);
    this.#readable = undefined;
  }

  /** Removes a partition. Returns its reader; undefined if it is not assigned to this member. */
  remove(name: string): PartitionReader | undefined {
    const held = this.#held.get(name);
    if (held === undefined) return undefined;
    this.#held.delete(name);
    if (held.hasReturned) this.#hasLostMessages = true;
    if (this.#current === held) this.#current = undefined;
    this.#readable = undefined;
    return held.reader;
  }

  /** Withholds the messages of a partition, or returns them again. */
  withhold(name: string, isWithheld: boolean): void {
    this.#held.get(name)!.isWithheld = isWithheld;
    this.#readable = undefined;
  }

  /** Whether calls for messages are pending: while there are any, the program processes none. */
  get isAwaited(): boolean {
    return this.#waitingCalls > 0;
  }

  /**
   * Waits for news in a call for messages. The program has asked for messages, so it has processed
   * all it was given.
   */
  async waitForNews(ms: number, signal?: AbortSignal): Promise<boolean> {
    this.markDone();
    this.#waitingCalls++;
    try {
      return await this.#news.wait(ms, signal);
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
    if (wasBusy) this.#news.notify();
  }

  /** Marks the message that an iterator has returned last as processed. */
  markCurrentDone(): void {
    const current = this.#current;
    if (current === undefined) return;
    current.doneOffset = current.reader.position;
    if (current.isWithheld) this.#news.notify();
  }

  /** Records the message that an iterator returns now. */
  setCurrent(message: Message | undefined): void {
    const current = this.#current;
    this.#current = message === undefined
      ? undefined
      : current?.reader.topic === message.topic && current.reader.partition === message.partition
      ? current
      : this.get(message.topic, message.partition);
    if (this.#current !== undefined) this.#current.hasReturned = true;
  }

  /** Records that messages are returned. */
  onReturned(messages: readonly Message[]): void {
    let last: Message | undefined;
    for (const message of messages) {
      // Those of a partition come one after another.
      if (message.partition === last?.partition && message.topic === last.topic) continue;
      last = message;
      const held = this.get(message.topic, message.partition);
      if (held !== undefined) held.hasReturned = true;
    }
  }

  /**
   * Whether messages were returned of partitions that are no longer assigned to this member, before
   * they were committed. Asking clears it.
   */
  takeLoss(): boolean {
    const hasLost = this.#hasLostMessages;
    this.#hasLostMessages = false;
    return hasLost;
  }

  /** Sets the position in a partition, which is then also the offset to commit. */
  seek(held: HeldPartition, offset: number): void {
    held.reader.seek(offset);
    held.startOffset = offset;
    held.doneOffset = offset;
    held.hasReturned = false;
    if (this.#current === held) this.#current = undefined;
  }

  /** Whether the program has yet to process messages of these partitions. */
  isBusy(names: ReadonlySet<string>): boolean {
    if (this.isAwaited) return false;
    for (const name of names) {
      const held = this.#held.get(name);
      if (held !== undefined && held.reader.position > held.doneOffset) return true;
    }
    return false;
  }

  /** Records committed offsets. */
  onCommitted(offsets: readonly GroupOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const held = this.get(topic, partition);
      if (held === undefined) continue;
      held.committedOffset = offset;
      if (offset >= held.reader.position) held.hasReturned = false;
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
      if (held.isWithheld) this.#news.notify();
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
   * The offsets after all processed messages, where they are not committed.
   *
   * @param among The names of partitions. Default: all.
   */
  uncommitted(among?: ReadonlySet<string>): GroupOffset[] {
    // While a call waits, the position also advances past skipped batches.
    if (this.isAwaited) this.markDone();
    const offsets: GroupOffset[] = [];
    for (const [name, held] of this.#held) {
      if (among !== undefined && !among.has(name)) continue;
      if (held.doneOffset < 0 || held.doneOffset === held.committedOffset) continue;
      const { topic, partition } = held.reader;
      offsets.push({ topic, partition, offset: held.doneOffset });
    }
    return offsets;
  }
}
