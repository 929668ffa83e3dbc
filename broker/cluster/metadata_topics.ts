/**
 * Reads the topics in `__cluster_metadata-0` without a broker, to know which logs a data folder
 * should contain.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";
import type { ExpectedLogs } from "../../storage/verify/mod.ts";
import { DELETED_TOPICS_PREFIX } from "./topic_deletion.ts";
import { METADATA_LOG_NAME } from "../metadata/local_metadata_store.ts";
import { metadataRecords } from "../metadata/metadata_records.ts";
import { TOPICS_PREFIX, type TopicValue } from "./topic_state.ts";

const DECODER = new TextDecoder();

/** Follows the batches of the metadata log. */
export class MetadataTopics implements ExpectedLogs {
  readonly source: string | undefined;
  readonly #nodeId: number | undefined;
  readonly #topics: Map<string, TopicValue>;
  /** Names of deleted topics, by their key. */
  readonly #deleted: Map<string, string>;
  #isReadable = true;

  /**
   * @param nodeId The broker whose folder it is; undefined to expect the partitions of all.
   * @param known What was read in the folder of another broker. Default: reads this one's.
   */
  constructor(nodeId: number | undefined, known?: MetadataTopics) {
    this.#nodeId = nodeId;
    this.source = known === undefined ? METADATA_LOG_NAME : undefined;
    this.#topics = known === undefined ? new Map() : known.#topics;
    this.#deleted = known === undefined ? new Map() : known.#deleted;
    if (known !== undefined) this.#isReadable = known.#isReadable;
  }

  get isKnown(): boolean {
    return this.#isReadable;
  }

  batch(batch: RecordBatch, logStartOffset: number): void {
    try {
      this.#apply(batch, logStartOffset);
    } catch (error) {
      // Keys of other programs, or damaged records, which are reported elsewhere.
      if (!(error instanceof Error)) throw error;
      this.#isReadable = false;
    }
  }

  #apply(batch: RecordBatch, logStartOffset: number): void {
    for (const { key, value } of metadataRecords(batch, logStartOffset)) {
      if (key.startsWith(TOPICS_PREFIX)) {
        const name = key.slice(TOPICS_PREFIX.length);
        if (value === null) this.#topics.delete(name);
        else this.#topics.set(name, JSON.parse(DECODER.decode(value)));
      } else if (key.startsWith(DELETED_TOPICS_PREFIX)) {
        if (value === null) this.#deleted.delete(key);
        else this.#deleted.set(key, JSON.parse(DECODER.decode(value)).name);
      }
    }
  }

  *logs(): Generator<{ readonly name: string; readonly topicId: string }, void> {
    for (const [topic, { id, replicas }] of this.#topics) {
      for (const [partition, brokers] of replicas.entries()) {
        const isHere = this.#nodeId === undefined || brokers.includes(this.#nodeId);
        if (isHere) yield { name: `${topic}-${partition}`, topicId: id };
      }
    }
  }

  topicIdOf(name: string): string | undefined {
    const dash = name.lastIndexOf("-");
    const topic = this.#topics.get(name.slice(0, dash));
    return topic !== undefined && Number(name.slice(dash + 1)) < topic.replicas.length
      ? topic.id
      : undefined;
  }

  isDeletedTopic(topicId: string): boolean {
    const prefix = `${DELETED_TOPICS_PREFIX}${topicId}/`;
    return this.#deleted.keys().some((key) => key.startsWith(prefix));
  }

  hadDeletedTopic(name: string): boolean {
    const topic = name.slice(0, name.lastIndexOf("-"));
    return this.#deleted.values().some((deleted) => deleted === topic);
  }
}
