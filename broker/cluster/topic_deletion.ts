/**
 * The deletion of a topic from the cluster's metadata.
 *
 * @module
 */

import type { MetadataChange } from "../metadata/metadata_store.ts";
import { encodeValue, PARTITIONS_PREFIX, topicKey, type TopicState } from "./topic_state.ts";

/** Prefix of the keys of deleted topics that may still have logs. */
export const DELETED_TOPICS_PREFIX = "deleted/";

/** Deletes a topic's keys, and notes which brokers may still have its logs. */
export function topicDeletion({ name, id, partitions }: TopicState): MetadataChange[] {
  const brokers = new Set(partitions.flatMap(({ replicas }) => replicas));
  return [
    { key: topicKey(name), value: null },
    { prefix: `${PARTITIONS_PREFIX}${id}/`, value: null },
    ...Array.from(brokers, (broker) => ({
      key: `${DELETED_TOPICS_PREFIX}${id}/${broker}`,
      value: encodeValue({ name }),
    })),
  ];
}
