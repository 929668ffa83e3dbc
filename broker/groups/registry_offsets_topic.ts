/**
 * The topic `__consumer_offsets` in the broker's topic registry.
 *
 * @module
 */

import { RegistryTopic } from "../coordinators/registry_topic.ts";
import type { Clock } from "../time/clock.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Logger } from "../logger.ts";
import type { TopicRegistry } from "../topics/topic_registry.ts";
import type { GroupLog } from "./group_log.ts";
import { OFFSETS_TOPIC } from "./offsets_topic.ts";
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
export class RegistryOffsetsTopic extends RegistryTopic<GroupLog> {
  constructor({ topics, config, clock, logger, createElsewhere }: RegistryOffsetsTopicOptions) {
    super({
      name: OFFSETS_TOPIC,
      topics,
      partitions: () => config.get("offsets.topic.num.partitions"),
      replicationFactor: () => config.get("offsets.topic.replication.factor"),
      segmentBytes: () => config.get("offsets.topic.segment.bytes"),
      openLog: (partition, topic) => {
        const batchBytes = topic.config.get("max.message.bytes");
        return new PartitionLog({ partition, batchBytes, clock, logger });
      },
      createElsewhere,
    });
  }
}
