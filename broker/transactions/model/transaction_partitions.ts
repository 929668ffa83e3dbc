/**
 * The partitions of a transaction: immutable sets.
 *
 * @module
 */

/** Partitions by topic. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>;

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly index: number;
}

/** No partitions. */
export const NO_PARTITIONS: TransactionPartitions = new Map();

/** Whether a set has a partition. */
export function hasPartition(
  partitions: TransactionPartitions,
  { topic, index }: TopicPartition,
): boolean {
  return partitions.get(topic)?.has(index) === true;
}

/** Returns a set with more partitions; the same one if it has them already. */
export function withPartitions(
  partitions: TransactionPartitions,
  added: readonly TopicPartition[],
): TransactionPartitions {
  const missing = added.filter((partition) => !hasPartition(partitions, partition));
  if (missing.length === 0) return partitions;
  const union = new Map(partitions);
  const copied = new Set<string>();
  for (const { topic, index } of missing) {
    if (!copied.has(topic)) {
      copied.add(topic);
      union.set(topic, new Set(partitions.get(topic)));
    }
    (union.get(topic) as Set<number>).add(index);
  }
  return union;
}

/** All partitions of a set, in the order in which their topics were added. */
export function* eachPartition(partitions: TransactionPartitions): Iterable<TopicPartition> {
  for (const [topic, indexes] of partitions) {
    for (const index of indexes) yield { topic, index };
  }
}
