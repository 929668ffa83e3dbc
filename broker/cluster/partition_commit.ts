/**
 * Changes of partitions by compare-and-set of their keys.
 *
 * @module
 */

import type { MetadataChange, MetadataExpectation } from "../metadata/metadata_store.ts";
import {
  encodeValue,
  partitionKey,
  type PartitionState,
  partitionValue,
  topicKey,
  type TopicState,
} from "./topic_state.ts";

/** A change of one partition. */
export interface PartitionChange {
  /** The topic as the change expects it. */
  readonly topic: TopicState;
  readonly index: number;
  /** The new state. */
  readonly next: Omit<PartitionState, "revision">;
}

/** Most partitions of a commit, so that there is room for what they depend on. */
export const MAX_PARTITION_CHANGES = 30;

/** The changes and expectations of a commit. */
export interface PartitionCommit {
  readonly changes: MetadataChange[];
  readonly expect: MetadataExpectation[];
}

/** Builds the commit that replaces states of partitions if they are still as expected. */
export function partitionCommit(
  partitions: readonly PartitionChange[],
  guards: readonly MetadataExpectation[],
): PartitionCommit {
  const changes: MetadataChange[] = [];
  const expect = new Map(guards.map((guard) => [guard.key, guard]));
  for (const { topic, index, next } of partitions) {
    const key = partitionKey(topic.id, index);
    const { revision } = topic.partitions[index]!;
    changes.push({ key, value: encodeValue(partitionValue(next)) });
    expect.set(key, { key, revision });
    // A deleted topic must not get a key.
    if (revision > 0) continue;
    expect.set(topicKey(topic.name), { key: topicKey(topic.name), revision: topic.revision });
  }
  return { changes, expect: [...expect.values()] };
}
