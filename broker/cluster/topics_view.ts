/**
 * The topics in the cluster's metadata, assembled from their keys and those of their partitions.
 *
 * @module
 */

import type { MetadataEntry } from "../metadata/metadata_store.ts";
import {
  decodeValue,
  type PartitionState,
  partitionState,
  type PartitionValue,
  type TopicState,
  type TopicValue,
} from "./topic_state.ts";

/** A change of a topic, with its state before and after. */
export interface TopicChange {
  readonly type: "topic";
  readonly name: string;
  readonly before: TopicState | undefined;
  readonly after: TopicState | undefined;
  /** The only partition whose state has changed. Default: the topic's own key has changed. */
  readonly partition?: number;
}

interface PartitionEntry {
  readonly value: PartitionValue;
  readonly revision: number;
}

interface TopicEntry {
  readonly value: TopicValue;
  state: TopicState;
}

/** The topics, by name and id. */
export class TopicsView {
  readonly #topics: Map<string, TopicEntry> = new Map();
  readonly #byId: Map<string, TopicEntry> = new Map();
  /** Partitions with a key of their own, by topic id and index. */
  readonly #partitions: Map<string, Map<number, PartitionEntry>> = new Map();

  /** All topics, in no particular order. */
  *all(): Iterable<TopicState> {
    for (const { state } of this.#topics.values()) yield state;
  }

  /** The topic with this name, if it exists. */
  get(name: string): TopicState | undefined {
    return this.#topics.get(name)?.state;
  }

  /** The topic with this id, if it exists. */
  byId(id: string): TopicState | undefined {
    return this.#byId.get(id)?.state;
  }

  /** The value of a topic's key, if the topic exists. */
  value(name: string): TopicValue | undefined {
    return this.#topics.get(name)?.value;
  }

  /** Applies the key of a topic. */
  applyTopic(name: string, entry: MetadataEntry | undefined): TopicChange {
    const before = this.#topics.get(name);
    const value = entry && decodeValue<TopicValue>(entry);
    if (before !== undefined && before.value.id !== value?.id) {
      this.#byId.delete(before.value.id);
      this.#partitions.delete(before.value.id);
    }
    if (value === undefined) {
      this.#topics.delete(name);
      return { type: "topic", name, before: before?.state, after: undefined };
    }
    const keys = this.#partitions.get(value.id);
    const { id, replicas, configs, incarnations = [] } = value;
    const state: TopicState = {
      name,
      id,
      partitions: replicas.map((_, index) => partitionState(value, index, keys?.get(index))),
      configs: new Map(Object.entries(configs)),
      incarnations,
      revision: entry!.revision,
    };
    const after = { value, state };
    this.#topics.set(name, after);
    this.#byId.set(id, after);
    return { type: "topic", name, before: before?.state, after: state };
  }

  /** Applies the key of a partition; undefined if there is no such partition yet. */
  applyPartition(key: string, entry: MetadataEntry | undefined): TopicChange | undefined {
    const [, id, text] = key.split("/") as [string, string, string];
    const index = Number(text);
    let keys = this.#partitions.get(id);
    if (keys === undefined) this.#partitions.set(id, keys = new Map());
    if (entry === undefined) keys.delete(index);
    else keys.set(index, { value: decodeValue(entry), revision: entry.revision });
    if (keys.size === 0) this.#partitions.delete(id);
    const topic = this.#byId.get(id);
    const before = topic?.state;
    if (topic === undefined || before?.partitions[index] === undefined) return undefined;
    const partitions = before.partitions.slice() as PartitionState[];
    partitions[index] = partitionState(topic.value, index, keys.get(index));
    topic.state = { ...before, partitions };
    return { type: "topic", name: before.name, before, after: topic.state, partition: index };
  }
}
