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
export function comparePlaces(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

/** Partition numbers by topic, both in order. */
export function placesByTopic(
  places: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] {
  const byTopic = Map.groupBy(places.toSorted(comparePlaces), ({ topic }) => topic);
  return Array.from(byTopic, ([topic, some]) => {
    return { topic, partitions: some.map(({ partition }) => partition) };
  });
}

/** Partitions in the syntax of `--topic`: `orders:0,1 payments:0`. */
export function placesText(places: readonly TopicPartition[]): string {
  return placesByTopic(places).map(({ topic, partitions }) => `${topic}:${partitions}`).join(" ");
}
