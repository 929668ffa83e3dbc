/**
 * Takes partitions that are assigned to a member, and gives up those that are revoked or lost; calls
 * the program's callbacks.
 *
 * @module
 */

import type { Fetcher } from "../consumer/fetcher.ts";
import { lookUpOffsets } from "../consumer/offset_lookup.ts";
import { PartitionReader } from "../consumer/partition_reader.ts";
import { noPosition } from "../consumer/subscription.ts";
import { isRetriable } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { GroupCommits } from "./group_commits.ts";
import type { CallbackName, GroupContext } from "./group_context.ts";
import type { HeldPartitions } from "./held_partitions.ts";
import { type PartitionHolder, placeName } from "./membership/membership.ts";
import { hasMovedOn, type OffsetCommitter } from "./offset_committer.ts";

/** The time limit of a commit that others wait for, in milliseconds. */
const LAST_COMMIT_MS = 5000;

/** Takes and gives up the partitions of a member. */
export class PartitionHandover implements PartitionHolder {
  readonly #context: GroupContext;
  readonly #held: HeldPartitions;
  readonly #fetcher: Fetcher;
  readonly #committer: OffsetCommitter;
  readonly #commits: GroupCommits;
  /** Partitions of topics that were unsubscribed, by name. */
  readonly #unread = new Set<string>();

  constructor(
    context: GroupContext,
    held: HeldPartitions,
    fetcher: Fetcher,
    committer: OffsetCommitter,
    commits: GroupCommits,
  ) {
    this.#context = context;
    this.#held = held;
    this.#fetcher = fetcher;
    this.#committer = committer;
    this.#commits = commits;
  }

  get partitions(): readonly TopicPartition[] {
    return this.#held.partitions;
  }

  async revoke(
    partitions: readonly TopicPartition[],
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const names = new Set(partitions.map(placeName).filter((name) => this.#held.has(name)));
    if (names.size === 0) return;
    for (const name of names) {
      this.#held.withhold(name, true);
      this.#unread.delete(name);
    }
    await this.#untilDone(names, waitMs, signal);
    if (this.#context.options.autoCommit) await this.#commitBeforeRevoke(names);
    await this.#call("onRevoked", this.#placesOf(names));
    this.#drop(names);
  }

  async lose(): Promise<void> {
    const names = this.#names();
    if (names.size === 0) return;
    const places = this.#placesOf(names);
    this.#drop(names);
    await this.#call("onLost", places);
  }

  async assign(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    if (partitions.length === 0) return;
    const { core, options: { reading }, news } = this.#context;
    const committed = await this.#committer.fetch(partitions, { signal });
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
      this.#held.add({
        reader,
        topicId: core.metadata.topic(reader.topic)?.id,
        startOffset: reader.position,
        doneOffset: reader.position,
        committedOffset: committed[i]!.offset,
        isWithheld: true,
        hasReturned: false,
      });
    });
    await this.#call("onAssigned", partitions);
    for (const reader of readers) {
      if (this.#held.reader(reader.topic, reader.partition) !== reader) continue;
      this.#held.withhold(placeName(reader), false);
      this.#fetcher.add(reader);
    }
    // The subscription may have changed since the assignment.
    this.onTopics();
    news.notify();
  }

  /** Withholds messages of unsubscribed topics, until they are revoked or subscribed again. */
  onTopics(): void {
    const { topics } = this.#context.options;
    for (const [name, { reader, isWithheld }] of this.#held.entries) {
      const isRead = topics.includes(reader.topic);
      if (!isRead && !isWithheld) {
        this.#held.withhold(name, true);
        this.#unread.add(name);
      } else if (isRead && this.#unread.delete(name)) this.#held.withhold(name, false);
    }
  }

  /** Restarts topics that were deleted and created again at their beginning. */
  onMetadata(): void {
    for (const [, held] of this.#held.entries) {
      const id = this.#context.core.metadata.topic(held.reader.topic)?.id;
      if (id === undefined || id === held.topicId) continue;
      const wasKnown = held.topicId !== undefined;
      held.topicId = id;
      if (wasKnown) held.reader.reset("earliest");
    }
  }

  /** Drops all partitions without calling the program. */
  clear(): void {
    this.#drop(this.#names());
  }

  /** Waits until the program has processed its messages of these partitions. */
  async #untilDone(
    names: ReadonlySet<string>,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const until = performance.now() + waitMs;
    while (this.#held.isBusy(names)) {
      const left = until - performance.now();
      if (left <= 0 || signal?.aborted) return;
      await this.#context.news.wait(left, signal).catch(() => {});
    }
  }

  async #commitBeforeRevoke(names: ReadonlySet<string>): Promise<void> {
    const timeoutMs = Math.min(this.#context.core.options.timeoutMs, LAST_COMMIT_MS);
    try {
      await this.#commits.commitDone(names, { timeoutMs });
    } catch (error) {
      // The next owner repeats messages that could not be committed, as at-least-once allows.
      if (!hasMovedOn(error) && !isRetriable(error)) this.#context.addError(error);
    }
  }

  async #call(name: CallbackName, partitions: readonly TopicPartition[]): Promise<void> {
    const { [name]: callback } = this.#context.options;
    if (callback === undefined) return;
    this.#context.callback = name;
    this.#context.changed();
    try {
      await callback(partitions);
    } catch (error) {
      this.#context.addError(error);
    } finally {
      this.#context.callback = undefined;
      this.#context.changed();
    }
  }

  #names(): Set<string> {
    return new Set(this.#held.partitions.map(placeName));
  }

  #placesOf(names: ReadonlySet<string>): TopicPartition[] {
    return this.#held.partitions.filter((place) => names.has(placeName(place)));
  }

  #drop(names: ReadonlySet<string>): void {
    for (const name of names) {
      const reader = this.#held.remove(name);
      if (reader === undefined) continue;
      this.#unread.delete(name);
      this.#fetcher.remove(reader);
    }
  }
}
