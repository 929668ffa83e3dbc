/**
 * What groups know of topics.
 *
 * @module
 */

/** A topic, as far as its partitions are to be assigned. */
export interface GroupTopic {
  readonly name: string;
  readonly id: string;
  /** One entry for each partition. */
  readonly partitions: readonly unknown[];
}

/** Told that a topic was created, has changed, or is gone. */
export type TopicListener = (name: string, isDeleted: boolean) => void;

/** The topics that there are. */
export interface GroupTopics {
  /** Grows with every topic that is created. */
  readonly newestRevision: number;
  topic(name: string): GroupTopic | undefined;
  topicById(id: string): GroupTopic | undefined;
  topics(): Iterable<GroupTopic>;
  /**
   * Calls `listener` with every change.
   *
   * @returns What ends that.
   */
  onChange(listener: TopicListener): () => void;
}
