/**
 * Partitions as they are ordered, written and found again.
 *
 * @module
 */

import type { TopicPartition } from "../../client/mod.ts";

/** A partition as the key of a map: no topic's name has a colon. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

/** Puts partitions into the order of topics and numbers. */
export function comparePlaces(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

/** The numbers of partitions by topic, both in order. */
export function placesByTopic(
  places: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] {
  const byTopic = Map.groupBy(places.toSorted(comparePlaces), ({ topic }) => topic);
  return Array.from(byTopic, ([topic, some]) => {
    return { topic, partitions: some.map(({ partition }) => partition) };
  });
}

/** Partitions in the way `--topic` reads them: `orders:0,1 payments:0`. */
export function placesText(places: readonly TopicPartition[]): string {
  return placesByTopic(places).map(({ topic, partitions }) => `${topic}:${partitions}`).join(" ");
}
