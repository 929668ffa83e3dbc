/**
 * The topic `__transaction_state`, which stores transactional ids, in the broker's topic registry.
 *
 * @module
 */

import type { CoordinatorTopic } from "../coordinators/coordinator_topic.ts";
import { RegistryTopic } from "../coordinators/registry_topic.ts";
import type { Logger } from "../logger.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";
import type { TopicRegistry } from "../topics/topic_registry.ts";
import { PartitionTransactionLog } from "./partition_transaction_log.ts";
import type { TransactionLog } from "./transaction_log.ts";

export const TRANSACTIONS_TOPIC = "__transaction_state";

/** The topic of transactional ids: partitions with a log each. */
export type TransactionsTopic = CoordinatorTopic<TransactionLog>;

/** Options of the topic. */
export interface RegistryTransactionsTopicOptions {
  readonly topics: TopicRegistry;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Has the controller create the topic; gives false if that is this broker. Default: it is. */
  readonly createElsewhere?: () => Promise<boolean>;
}

/** The topic in the broker's registry. */
export class RegistryTransactionsTopic extends RegistryTopic<TransactionLog> {
  constructor(options: RegistryTransactionsTopicOptions) {
    const { topics, config, clock, logger, createElsewhere } = options;
    super({
      name: TRANSACTIONS_TOPIC,
      topics,
      partitions: () => config.get("transaction.state.log.num.partitions"),
      replicationFactor: () => config.get("transaction.state.log.replication.factor"),
      minInSyncReplicas: () => config.get("transaction.state.log.min.isr"),
      segmentBytes: () => config.get("transaction.state.log.segment.bytes"),
      openLog: (partition) => new PartitionTransactionLog({ partition, clock, logger }),
      createElsewhere,
    });
  }
}
