/**
 * The cluster's topics, as groups need them.
 *
 * @module
 */

import type { ClusterState } from "../cluster/cluster_state.ts";
import type { GroupTopic, GroupTopics, TopicListener } from "./group_topics.ts";

/** The topics of a cluster. */
export class ClusterTopics implements GroupTopics {
  readonly #cluster: ClusterState;
  #newestRevision = 0;

  constructor(cluster: ClusterState) {
    this.#cluster = cluster;
    for (const { revision } of cluster.topics()) this.#note(revision);
    cluster.onChange((change) => {
      if (change.type === "topic" && change.after !== undefined) this.#note(change.after.revision);
    });
  }

  get newestRevision(): number {
    return this.#newestRevision;
  }

  #note(revision: number): void {
    this.#newestRevision = Math.max(this.#newestRevision, revision);
  }

  topic(name: string): GroupTopic | undefined {
    return this.#cluster.topic(name);
  }

  topicById(id: string): GroupTopic | undefined {
    return this.#cluster.topicById(id);
  }

  topics(): Iterable<GroupTopic> {
    return this.#cluster.topics();
  }

  onChange(listener: TopicListener): () => void {
    return this.#cluster.onChange((change) => {
      if (change.type !== "topic") return;
      const { name, before, after } = change;
      listener(name, before !== undefined && before.id !== after?.id);
    });
  }
}
