/**
 * An internal topic whose partitions each store what their leader coordinates.
 *
 * @module
 */

/** The topic of a coordinator: partitions with a log each. */
export interface CoordinatorTopic<L> {
  /** The topic's name. */
  readonly name: string;
  /** Number of partitions; 0 until the topic is created. */
  readonly partitionCount: number;
  /** Creates the topic if it does not exist. */
  create(): Promise<void>;
  /** The epoch in which this broker leads a partition; `undefined` if it is not the leader. */
  leaderEpoch(index: number): number | undefined;
  /**
   * Whether this broker is sure to lead a partition: it must not answer as a coordinator otherwise.
   */
  isServed(index: number): boolean;
  /** The log of a partition; `undefined` if this broker is not its leader. */
  log(index: number): L | undefined;
  /**
   * Calls `listener` after partitions were added or their leaders may have changed.
   *
   * @returns A function that unsubscribes.
   */
  onChange(listener: () => void): () => void;
}

/** The partition of a coordinator's topic that an id belongs to, as in Kafka. */
export function partitionOf(id: string, partitionCount: number): number {
  return Math.abs(javaHashCode(id)) % partitionCount;
}

/**
 * Java's `String.hashCode`, but 0 for the minimum int, whose absolute value does not fit: Kafka
 * avoids negative partitions this way.
 */
function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (31 * hash + text.charCodeAt(i)) | 0;
  return hash === -(2 ** 31) ? 0 : hash;
}
