/**
 * The committed offsets of the groups in one coordinator partition.
 *
 * @module
 */

import type { OffsetCommitValue } from "../records/offset_commit.ts";

/** A committed offset. */
export interface CommittedOffset {
  /** The next offset to read. Some clients commit negative ones. */
  readonly offset: number;
  /** The leader epoch of the last consumed record, −1 if unknown. */
  readonly leaderEpoch: number;
  /** The client's own metadata. */
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** When it expires, in milliseconds since the epoch; −1 for the broker's setting. */
  readonly expireTimestampMs: number;
  /** The zero UUID if unknown. */
  readonly topicId: string;
  /** The offset of its record in the log. */
  readonly recordOffset: number;
}

/** The offsets of one topic, by partition. */
export type TopicOffsets = ReadonlyMap<number, CommittedOffset>;

/** Offsets by group, topic and partition. */
export class OffsetStore {
  readonly #groups: Map<string, Map<string, Map<number, CommittedOffset>>> = new Map();

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition);
  }

  /** The offsets of a group by topic; `undefined` if it has none. */
  ofGroup(groupId: string): ReadonlyMap<string, TopicOffsets> | undefined {
    return this.#groups.get(groupId);
  }

  /** Whether there are no offsets. */
  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** The groups that have offsets. */
  groupIds(): Iterable<string> {
    return this.#groups.keys();
  }

  set(groupId: string, topic: string, partition: number, committed: CommittedOffset): void {
    let topics = this.#groups.get(groupId);
    if (topics === undefined) this.#groups.set(groupId, topics = new Map());
    let partitions = topics.get(topic);
    if (partitions === undefined) topics.set(topic, partitions = new Map());
    partitions.set(partition, committed);
  }

  delete(groupId: string, topic: string, partition: number): void {
    const topics = this.#groups.get(groupId);
    const partitions = topics?.get(topic);
    if (topics === undefined || partitions === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#groups.delete(groupId);
  }
}

/** Converts the record of a committed offset. */
export function offsetFromRecord(
  value: Readonly<OffsetCommitValue>,
  recordOffset: number,
): CommittedOffset {
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
    recordOffset,
  };
}
