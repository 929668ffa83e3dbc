/**
 * The topic `__consumer_offsets` in the broker's topic registry.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { Clock } from "../time/clock.ts";
import type { BrokerConfig, ConfigTexts } from "../settings/config.ts";
import type { Logger } from "../logger.ts";
import { INTERNAL_SEGMENT_BYTES, MIN_SEGMENT_BYTES } from "../topics/topic_config.ts";
import type { TopicRegistry } from "../topics/topic_registry.ts";
import type { GroupLog } from "./group_log.ts";
import { OFFSETS_TOPIC, type OffsetsTopic } from "./offsets_topic.ts";
import { PartitionLog } from "./partition_log.ts";

/** Options of the offsets topic. */
export interface RegistryOffsetsTopicOptions {
  readonly topics: TopicRegistry;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Has the controller create the topic; gives false if that is this broker. Default: it is. */
  readonly createElsewhere?: () => Promise<boolean>;
}

/** The topic in the broker's registry. */
export class RegistryOffsetsTopic implements OffsetsTopic {
  readonly #options: RegistryOffsetsTopicOptions;

  constructor(options: RegistryOffsetsTopicOptions) {
    this.#options = options;
  }

  get partitionCount(): number {
    return this.#options.topics.get(OFFSETS_TOPIC)?.partitions.length ?? 0;
  }

  async create(): Promise<void> {
    const { topics, config, createElsewhere } = this.#options;
    if (topics.get(OFFSETS_TOPIC) !== undefined || await createElsewhere?.() === true) return;
    try {
      await topics.createTopic({
        name: OFFSETS_TOPIC,
        partitions: config.get("offsets.topic.num.partitions"),
        replicationFactor: this.#replicationFactor,
        configs: this.#configs,
        isInternal: true,
      });
    } catch (error) {
      if (!isRefusal(error, ErrorCode.TOPIC_ALREADY_EXISTS)) throw error;
    }
  }

  /**
   * Enables compaction if it is disabled, because an earlier version of this program created the
   * topic or it was altered: the latest record of a key must not expire.
   */
  async ensureCompacted(): Promise<void> {
    const { topics } = this.#options;
    const policy = topics.get(OFFSETS_TOPIC)?.config.get("cleanup.policy");
    if (policy === undefined || (policy.includes("compact") && !policy.includes("delete"))) return;
    try {
      await topics.alterConfigs(OFFSETS_TOPIC, () => this.#configs);
    } catch (error) {
      if (!isRefusal(error, ErrorCode.NOT_CONTROLLER)) throw error;
    }
  }

  get #replicationFactor(): number {
    const { topics, config } = this.#options;
    return topics.replicationFactor(config.get("offsets.topic.replication.factor"));
  }

  get #configs(): ConfigTexts {
    const segmentBytes = this.#options.config.get("offsets.topic.segment.bytes");
    return new Map([
      ["cleanup.policy", "compact"],
      // Replicas require it, whatever log.flush.policy.
      ...(this.#replicationFactor === 1 ? [] : [["flush", "commit"] as const]),
      // The topic setting has a minimum that the broker's setting does not have.
      [
        segmentBytes < MIN_SEGMENT_BYTES ? INTERNAL_SEGMENT_BYTES : "segment.bytes",
        String(segmentBytes),
      ],
    ]);
  }

  leaderEpoch(index: number): number | undefined {
    const partition = this.#options.topics.partition(OFFSETS_TOPIC, index);
    return partition?.isLeader === true ? partition.leaderEpoch : undefined;
  }

  isServed(index: number): boolean {
    return this.#options.topics.partition(OFFSETS_TOPIC, index)?.isServed === true;
  }

  onChange(listener: () => void): () => void {
    return this.#options.topics.onChange((name) => {
      if (name === OFFSETS_TOPIC) listener();
    });
  }

  log(index: number): GroupLog | undefined {
    const { topics, clock, logger } = this.#options;
    const topic = topics.get(OFFSETS_TOPIC);
    const partition = topic?.partitions[index];
    if (topic === undefined || partition === undefined || !partition.isLeader) return undefined;
    const batchBytes = topic.config.get("max.message.bytes");
    return new PartitionLog({ partition, batchBytes, clock, logger });
  }
}

function isRefusal(error: unknown, code: number): boolean {
  return error instanceof ApiError && error.code === code;
}
