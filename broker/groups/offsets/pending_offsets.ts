/**
 * Offsets committed in transactions that are still open, in one coordinator partition.
 *
 * They are kept by producer id alone: the marker that ends a transaction may carry a higher epoch
 * than its records (KIP-890).
 *
 * @module
 */

import { type CommittedOffset, OffsetStore } from "./offset_store.ts";

/** An offset that was pending. */
export interface PendingOffset {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly committed: CommittedOffset;
}

/** The producers with a pending offset for each partition of a topic. */
export type PendingPartitions = ReadonlyMap<number, ReadonlySet<number>>;

/** Pending offsets by producer, and the other way round. */
export class PendingOffsets {
  readonly #offsets: Map<number, OffsetStore> = new Map();
  readonly #producers: Map<string, Map<string, Map<number, Set<number>>>> = new Map();

  /** Whether an offset is pending for a partition. */
  has(groupId: string, topic: string, partition: number): boolean {
    return this.#producers.get(groupId)?.get(topic)?.has(partition) ?? false;
  }

  /** The partitions of a group with pending offsets, by topic; `undefined` if there are none. */
  ofGroup(groupId: string): ReadonlyMap<string, PendingPartitions> | undefined {
    return this.#producers.get(groupId);
  }

  /** The groups with pending offsets. */
  groupIds(): Iterable<string> {
    return this.#producers.keys();
  }

  /** Adds an offset to a producer's transaction; it replaces an earlier one of the transaction. */
  set(
    producerId: number,
    groupId: string,
    topic: string,
    partition: number,
    committed: CommittedOffset,
  ): void {
    let offsets = this.#offsets.get(producerId);
    if (offsets === undefined) this.#offsets.set(producerId, offsets = new OffsetStore());
    offsets.set(groupId, topic, partition, committed);
    let topics = this.#producers.get(groupId);
    if (topics === undefined) this.#producers.set(groupId, topics = new Map());
    let partitions = topics.get(topic);
    if (partitions === undefined) topics.set(topic, partitions = new Map());
    const producers = partitions.get(partition);
    if (producers === undefined) partitions.set(partition, new Set([producerId]));
    else producers.add(producerId);
  }

  /** Removes what is pending for a partition in all transactions. */
  delete(groupId: string, topic: string, partition: number): void {
    for (const producerId of this.#producers.get(groupId)?.get(topic)?.get(partition) ?? []) {
      const offsets = this.#offsets.get(producerId)!;
      offsets.delete(groupId, topic, partition);
      if (offsets.isEmpty) this.#offsets.delete(producerId);
    }
    this.#removePartition(groupId, topic, partition);
  }

  /** Removes and returns the offsets of a producer's transaction, which has ended. */
  take(producerId: number): PendingOffset[] {
    const offsets = this.#offsets.get(producerId);
    if (offsets === undefined) return [];
    this.#offsets.delete(producerId);
    const taken: PendingOffset[] = [];
    for (const groupId of offsets.groupIds()) {
      for (const [topic, partitions] of offsets.ofGroup(groupId)!) {
        for (const [partition, committed] of partitions) {
          taken.push({ groupId, topic, partition, committed });
          const producers = this.#producers.get(groupId)!.get(topic)!.get(partition)!;
          producers.delete(producerId);
          if (producers.size === 0) this.#removePartition(groupId, topic, partition);
        }
      }
    }
    return taken;
  }

  #removePartition(groupId: string, topic: string, partition: number): void {
    const topics = this.#producers.get(groupId);
    const partitions = topics?.get(topic);
    if (topics === undefined || partitions === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#producers.delete(groupId);
  }
}
