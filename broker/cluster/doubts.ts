/**
 * Takes a broker out of the ISR and ELR of partitions of which it may lack committed records,
 * before it registers: afterwards it could be elected.
 *
 * A partition with one replica remains as it is, because no other could lead it.
 *
 * @module
 */

import {
  MAX_COMMIT_CHANGES,
  type MetadataExpectation,
  type MetadataSnapshot,
  type MetadataStore,
} from "../metadata/metadata_store.ts";
import { type PartitionChange, partitionCommit } from "./partition_commit.ts";
import { doubtedState, PARTITIONS_PREFIX, TOPICS_PREFIX, type TopicState } from "./topic_state.ts";
import { TopicsView } from "./topics_view.ts";

/** Changes that take a broker out of the ISR and ELR of its doubtful partitions. */
export function doubts(
  topics: Iterable<TopicState>,
  nodeId: number,
  isDoubtful: (topic: TopicState, index: number) => boolean,
): PartitionChange[] {
  const changes: PartitionChange[] = [];
  for (const topic of topics) {
    for (const [index, state] of topic.partitions.entries()) {
      const next = state.replicas.length > 1 ? doubtedState(state, nodeId) : undefined;
      if (next !== undefined && isDoubtful(topic, index)) changes.push({ topic, index, next });
    }
  }
  return changes;
}

/**
 * Commits such changes.
 *
 * @param guards What each commit depends on.
 * @throws {RevisionConflictError} If a partition has changed meanwhile; some changes may be made.
 */
export async function commitDoubts(
  store: MetadataStore,
  changes: readonly PartitionChange[],
  guards: readonly MetadataExpectation[],
): Promise<void> {
  // Each may depend on the key of its topic, too.
  const size = Math.floor((MAX_COMMIT_CHANGES - guards.length) / 2);
  for (let i = 0; i < changes.length; i += size) {
    const commit = partitionCommit(changes.slice(i, i + size), guards);
    await store.commit(commit.changes, { expect: commit.expect });
  }
}

/** The topics in a snapshot of the store. */
export function topicsIn({ entries }: MetadataSnapshot): Iterable<TopicState> {
  const view = new TopicsView();
  for (const [key, entry] of entries) {
    if (key.startsWith(TOPICS_PREFIX)) view.applyTopic(key.slice(TOPICS_PREFIX.length), entry);
    else if (key.startsWith(PARTITIONS_PREFIX)) view.applyPartition(key, entry);
  }
  return view.all();
}
