/**
 * Ordering and text of partitions.
 *
 * @module
 */

import type { TopicPartition } from "../../client/mod.ts";

/** A partition as a map key; topic names have no colon. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

/** Orders partitions by topic and number. */
export function comparePartitions(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

/** Partition numbers by topic, both in order. */
export function partitionsByTopic(
  places: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] {
  const byTopic = Map.groupBy(places.toSorted(comparePartitions), ({ topic }) => topic);
  return Array.from(byTopic, ([topic, some]) => {
    return { topic, partitions: some.map(({ partition }) => partition) };
  });
}

/** Partitions in the syntax of `--topic`: `orders:0,1 payments:0`. */
export function partitionsText(places: readonly TopicPartition[]): string {
  return partitionsByTopic(places).map(({ topic, partitions }) => `${topic}:${partitions}`).join(
    " ",
  );
}
