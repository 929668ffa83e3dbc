/**
 * The subscribed topics of a consumer, with a reader for each partition.
 *
 * Changes are atomic: everything that may fail is looked up first, then the readers change in one
 * step.
 *
 * @module
 */

import type { ClientCore, FailureListener } from "../connection/client_core.ts";
import type { ResolvedConsumerOptions, SubscribeOptions } from "./consumer_options.ts";
import { UsageError } from "../errors.ts";
import type { Fetcher } from "./fetcher.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { Message } from "./message.ts";
import type { ReaderOwner } from "./partition_controls.ts";
import { lookUpOffsets, type OffsetSpec } from "./offset_lookup.ts";
import { PartitionReader } from "./partition_reader.ts";
import { ReaderRound } from "./reader_round.ts";

/** How to subscribe, and where to report failures that are retried. */
type SubscriptionOptions = SubscribeOptions & FailureListener;

/** The subscription of a consumer. */
export class Subscription implements ReaderOwner {
  readonly #core: ClientCore;
  readonly #options: ResolvedConsumerOptions;
  readonly #fetcher: Fetcher;
  readonly #onNews: () => void;
  readonly #stopListening: () => void;
  readonly #topics = new Map<string, { id: string; readers: PartitionReader[] }>();
  readonly #round: ReaderRound;

  constructor(
    core: ClientCore,
    options: ResolvedConsumerOptions,
    fetcher: Fetcher,
    onNews: () => void,
  ) {
    this.#core = core;
    this.#options = options;
    this.#fetcher = fetcher;
    this.#onNews = onNews;
    this.#round = new ReaderRound(fetcher);
    this.#stopListening = core.metadata.onUpdate(() => this.#onMetadata());
  }

  /** The topics. */
  get topics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  /** Whether there are no topics. */
  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  /** The readers of all partitions. */
  get readers(): readonly PartitionReader[] {
    return this.#round.readers;
  }

  /** The reader of a partition; undefined if it is not subscribed. */
  reader(topic: string, partition: number): PartitionReader | undefined {
    return this.#topics.get(topic)?.readers[partition];
  }

  missing(action: string, what: string): UsageError {
    return new UsageError(
      `Cannot ${action} "${what}": this consumer is not subscribed to it`,
      "Subscribe to the topic first",
    );
  }

  /** Subscribes to exactly these topics. */
  async replace(topics: readonly string[], options: SubscriptionOptions): Promise<void> {
    const added = await this.#prepare(topics, options);
    for (const topic of this.topics) if (!topics.includes(topic)) this.#remove(topic);
    this.#add(added);
  }

  /** Subscribes to additional topics. */
  async add(topics: readonly string[], options: SubscriptionOptions): Promise<void> {
    this.#add(await this.#prepare(topics, options));
  }

  /** Unsubscribes from topics. */
  remove(topics: readonly string[]): void {
    for (const topic of topics) this.#remove(topic);
    this.#collect();
  }

  /** Unsubscribes from all topics. */
  close(): void {
    this.#stopListening();
    this.remove(this.topics);
  }

  /**
   * Returns up to `max` messages, from each partition its share.
   *
   * @throws {DqueueError} If there are none because a partition cannot be read.
   */
  take(max: number): Message[] {
    return this.#round.take(max);
  }

  /**
   * Returns the next message; undefined if there is none.
   *
   * @throws {DqueueError} If there is none because a partition cannot be read.
   */
  next(): Message | undefined {
    return this.#round.next();
  }

  /** Looks up everything needed for new topics, and creates their readers. */
  async #prepare(
    topics: readonly string[],
    options: SubscriptionOptions,
  ): Promise<Map<string, { id: string; readers: PartitionReader[] }>> {
    for (const topic of topics) {
      if (typeof topic !== "string" || topic === "") {
        throw new UsageError(
          `Cannot subscribe to ${JSON.stringify(topic)}: it is not a topic name`,
        );
      }
    }
    const names = topics.filter((topic) => !this.#topics.has(topic));
    const described = await Promise.all(names.map((name) => this.#core.topic(name, options)));
    const added = new Map<string, { id: string; readers: PartitionReader[] }>();
    for (const { name, id, partitions } of described) {
      const readers = partitions.map(({ partition }) => this.#open(name, partition));
      added.set(name, { id, readers });
    }
    const readers = [...added.values()].flatMap((topic) => topic.readers);
    await this.#position(readers, options);
    return added;
  }

  #open(topic: string, partition: number): PartitionReader {
    return new PartitionReader(topic, partition, this.#options, this.#onNews);
  }

  /** Determines the initial positions of readers. */
  async #position(
    readers: readonly PartitionReader[],
    options: SubscriptionOptions,
  ): Promise<void> {
    const { autoOffsetReset, isolationLevel } = this.#options;
    const at = options.from ?? autoOffsetReset;
    if (at === "none") {
      for (const reader of readers) reader.fail(noPosition(reader));
      return;
    }
    const lookUp = (sought: readonly PartitionReader[], place: OffsetSpec) =>
      lookUpOffsets(
        this.#core,
        sought.map(({ topic, partition }) => ({ topic, partition, at: place })),
        isolationLevel,
        options,
      );
    const offsets = await lookUp(readers, at);
    const atEnd = readers.filter((_, index) => offsets[index]!.offset < 0);
    for (let i = 0; i < readers.length; i++) readers[i]!.seek(offsets[i]!.offset);
    if (atEnd.length === 0) return;
    const ends = await lookUp(atEnd, "latest");
    for (let i = 0; i < atEnd.length; i++) atEnd[i]!.seek(ends[i]!.offset);
  }

  #add(added: ReadonlyMap<string, { id: string; readers: PartitionReader[] }>): void {
    for (const [name, topic] of added) {
      this.#topics.set(name, topic);
      for (const reader of topic.readers) this.#fetcher.add(reader);
    }
    this.#collect();
  }

  #remove(topic: string): void {
    for (const reader of this.#topics.get(topic)?.readers ?? []) this.#fetcher.remove(reader);
    this.#topics.delete(topic);
  }

  #collect(): void {
    this.#round.readers = [...this.#topics.values()].flatMap((topic) => topic.readers);
  }

  /** Adds new partitions, and restarts topics that were created again. */
  #onMetadata(): void {
    let hasChanged = false;
    for (const [name, topic] of this.#topics) {
      const known = this.#core.metadata.topic(name);
      if (known === undefined) continue;
      if (known.id !== topic.id) {
        topic.id = known.id;
        for (const reader of topic.readers) reader.reset("earliest");
      }
      for (let partition = topic.readers.length; partition < known.partitions.length; partition++) {
        const reader = this.#open(name, partition);
        // It did not exist when the subscription was made, so it is read from the start.
        reader.reset("earliest");
        topic.readers.push(reader);
        this.#fetcher.add(reader);
        hasChanged = true;
      }
    }
    if (hasChanged) this.#collect();
  }
}

/** The error of a partition without a position when `autoOffsetReset` is "none". */
export function noPosition({ topic, partition }: TopicPartition): UsageError {
  return new UsageError(
    `Cannot read "${topic}-${partition}": it has no position and autoOffsetReset is "none"`,
    "Seek to an offset first, or choose another autoOffsetReset",
  );
}
