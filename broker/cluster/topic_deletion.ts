/**
 * The deletion of a topic from the cluster's metadata.
 *
 * @module
 */

import type {
  MetadataChange,
  MetadataEntry,
  MetadataKeyChange,
} from "../metadata/metadata_store.ts";
import {
  decodeValue,
  encodeValue,
  PARTITIONS_PREFIX,
  topicKey,
  type TopicState,
} from "./topic_state.ts";

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

/** Deleted topics that a broker may still have logs of. */
export class DeletedTopics {
  readonly #nodeId: number;
  readonly #byId: Map<string, string> = new Map();

  constructor(nodeId: number) {
    this.#nodeId = nodeId;
  }

  /** Their names by id. */
  get byId(): ReadonlyMap<string, string> {
    return this.#byId;
  }

  /** Applies a key in the store. */
  apply(key: string, entry: MetadataEntry | undefined): void {
    const [, id, broker] = key.split("/") as [string, string, string];
    if (Number(broker) !== this.#nodeId) return;
    if (entry === undefined) this.#byId.delete(id);
    else this.#byId.set(id, decodeValue<{ name: string }>(entry).name);
  }

  /** The changes that record that the broker has removed all logs of topics. */
  forgetting(ids: Iterable<string>): MetadataKeyChange[] {
    return Array.from(ids, (id) => ({
      key: `${DELETED_TOPICS_PREFIX}${id}/${this.#nodeId}`,
      value: null,
    }));
  }
}
