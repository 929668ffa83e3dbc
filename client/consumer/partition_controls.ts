/**
 * What a program may ask of the partitions that a consumer reads, with or without a group.
 *
 * @module
 */

import type { WakeSignal } from "../connection/wake_signal.ts";
import type { UsageError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { Fetcher } from "./fetcher.ts";
import type { PartitionReader } from "./partition_reader.ts";

/** Has the readers of a consumer. */
export interface ReaderOwner {
  /** The readers of all partitions. */
  readonly readers: readonly PartitionReader[];
  /** The reader of a partition; undefined if the consumer does not read it. */
  reader(topic: string, partition: number): PartitionReader | undefined;
  /** The error of an operation on a partition or topic that the consumer does not read. */
  missing(action: string, what: string): UsageError;
}

/** Positions in partitions, and pausing them. */
export class PartitionControls {
  readonly #owner: ReaderOwner;
  readonly #fetcher: Fetcher;
  readonly #news: WakeSignal;

  /** @param news Notified when there may be messages to return. */
  constructor(owner: ReaderOwner, fetcher: Fetcher, news: WakeSignal) {
    this.#owner = owner;
    this.#fetcher = fetcher;
    this.#news = news;
  }

  /** The partitions. */
  get assignment(): readonly TopicPartition[] {
    return this.#owner.readers.map(placeOf);
  }

  /** The paused partitions. */
  get paused(): readonly TopicPartition[] {
    return this.#owner.readers.filter(({ isPaused }) => isPaused).map(placeOf);
  }

  /** The offset of the next message to return; undefined if there is no position. */
  position(topic: string, partition: number): number | undefined {
    return known(this.#owner.reader(topic, partition)?.position);
  }

  /** The high watermark as of the last fetch; undefined before. */
  highWatermark(topic: string, partition: number): number | undefined {
    return known(this.#owner.reader(topic, partition)?.highWatermark);
  }

  /** The offset up to which messages are returned, as of the last fetch; undefined before. */
  endOffset(topic: string, partition: number): number | undefined {
    return known(this.#owner.reader(topic, partition)?.endOffset);
  }

  /** Pauses a partition, or all of a topic. @throws {UsageError} If the consumer reads none. */
  pause(topic: string, partition?: number): void {
    for (const reader of this.#find("pause", topic, partition)) reader.isPaused = true;
    this.#fetcher.wake();
  }

  /** Resumes a partition, or all of a topic. @throws {UsageError} If the consumer reads none. */
  resume(topic: string, partition?: number): void {
    for (const reader of this.#find("resume", topic, partition)) reader.isPaused = false;
    this.#fetcher.wake();
    this.#news.notify();
  }

  #find(action: string, topic: string, partition: number | undefined): PartitionReader[] {
    const readers = this.#owner.readers.filter((reader) =>
      reader.topic === topic && (partition === undefined || reader.partition === partition)
    );
    if (readers.length > 0) return readers;
    throw this.#owner.missing(action, partition === undefined ? topic : `${topic}-${partition}`);
  }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

function known(offset = -1): number | undefined {
  return offset < 0 ? undefined : offset;
}
