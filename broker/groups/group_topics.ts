/**
 * The topics that groups can subscribe to.
 *
 * @module
 */

/** A topic and its partitions. */
export interface GroupTopic {
  readonly name: string;
  readonly id: string;
  /** One entry per partition. */
  readonly partitions: readonly unknown[];
}

/** Called when a topic was created, changed or deleted. */
export type TopicListener = (name: string, isDeleted: boolean) => void;

/** The topics of the cluster. */
export interface GroupTopics {
  /** Increases with every topic created. */
  readonly newestRevision: number;
  topic(name: string): GroupTopic | undefined;
  topicById(id: string): GroupTopic | undefined;
  topics(): Iterable<GroupTopic>;
  /**
   * Calls `listener` with every change.
   *
   * @returns A function that removes the listener.
   */
  onChange(listener: TopicListener): () => void;
}
