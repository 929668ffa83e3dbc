/**
 * The topic `__consumer_offsets` among the broker's topics.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { Clock } from "../clock.ts";
import type { BrokerConfig } from "../config.ts";
import type { Logger } from "../logger.ts";
import type { TopicRegistry } from "../topics/topic_registry.ts";
import type { GroupLog } from "./group_log.ts";
import { OFFSETS_TOPIC, type OffsetsTopic } from "./offsets_topic.ts";
import { PartitionLog } from "./partition_log.ts";

/** What the topic needs of the broker. */
export interface RegistryOffsetsTopicOptions {
  readonly topics: TopicRegistry;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
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
    const { topics, config } = this.#options;
    if (topics.get(OFFSETS_TOPIC) !== undefined) return;
    try {
      await topics.createTopic({
        name: OFFSETS_TOPIC,
        partitions: config.get("offsets.topic.num.partitions"),
        // Only the latest record of each key counts, but none may go for its age or the log's size.
        configs: new Map([
          ["cleanup.policy", "delete"],
          ["retention.ms", "-1"],
          ["retention.bytes", "-1"],
          ["segment.bytes", String(config.get("offsets.topic.segment.bytes"))],
        ]),
        isInternal: true,
      });
    } catch (error) {
      const isThere = error instanceof ApiError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
      if (!isThere) throw error;
    }
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
