/**
 * The names that options may have, so that a mistyped one is told instead of passed over.
 *
 * @module
 */

import { didYouMean } from "../protocol/suggest.ts";
import type {
  ListGroupOffsetsOptions,
  ListGroupsOptions,
  ResetGroupOffsetsOptions,
} from "./group/group_types.ts";
import type {
  ChangeOptions,
  CreatePartitionsOptions,
  DescribeConfigsOptions,
  DescribeLogDirsOptions,
  ListOffsetsOptions,
  ListTopicsOptions,
  NewTopic,
} from "./admin/admin_types.ts";
import type { OperationOptions } from "./connection/client_core.ts";
import type { ClientOptions, RetryOptions } from "./client_options.ts";
import type {
  ConsumerOptions,
  FetchFromOptions,
  PollOptions,
  ReadingOptions,
  SubscribeOptions,
  SubscribePartitionOptions,
} from "./consumer/consumer_options.ts";
import { UsageError } from "./errors.ts";
import type { GroupConsumerOptions } from "./group/group_consumer_options.ts";
import type { ProducerOptions } from "./producer/producer_options.ts";
import type { CloseOptions, WaitOptions } from "./connection/waiting.ts";

/** All names of a type, of which none may be left out. */
export type Names<T> = { readonly [N in keyof Required<T>]: true };

const wait: Names<WaitOptions> = { signal: true };
const close: Names<CloseOptions> = { timeout: true };
const operation: Names<OperationOptions> = { signal: true, timeout: true };
const change: Names<ChangeOptions> = { ...operation, validateOnly: true };
const reading: Names<ReadingOptions> = {
  autoOffsetReset: true,
  isolationLevel: true,
  maxWait: true,
  minBytes: true,
  maxBytes: true,
  maxPartitionBytes: true,
  prefetchBytes: true,
  checkCrcs: true,
  onCorruptBatch: true,
};
const client: Names<ClientOptions> = {
  brokers: true,
  broker: true,
  clientId: true,
  timeout: true,
  requestTimeout: true,
  connectTimeout: true,
  metadataMaxAge: true,
  retry: true,
};
const retry: Names<RetryOptions> = { attempts: true, initialBackoff: true, maxBackoff: true };
const producer: Names<ProducerOptions> = {
  acks: true,
  idempotence: true,
  linger: true,
  batchSize: true,
  maxRequestSize: true,
  maxInFlight: true,
  compression: true,
  compressionLevel: true,
  bufferMemory: true,
  deliveryTimeout: true,
  allowAutoTopicCreation: true,
  partitioner: true,
};
const consumer: Names<ConsumerOptions> = { ...reading, onStatus: true };
const groupConsumer: Names<GroupConsumerOptions> = {
  ...reading,
  groupId: true,
  topics: true,
  consumerId: true,
  groupInstanceId: true,
  protocol: true,
  sessionTimeout: true,
  heartbeatInterval: true,
  rebalanceTimeout: true,
  maxPollInterval: true,
  autoCommit: true,
  autoCommitInterval: true,
  assignors: true,
  serverAssignor: true,
  onAssigned: true,
  onRevoked: true,
  onLost: true,
  onStatus: true,
};
const subscribe: Names<SubscribeOptions> = { ...operation, from: true };
const subscribePartition: Names<SubscribePartitionOptions> = { signal: true, from: true };
const poll: Names<PollOptions> = { timeout: true, signal: true };
const fetchFrom: Names<FetchFromOptions> = {
  ...operation,
  maxMessages: true,
  maxBytes: true,
  minBytes: true,
  maxWait: true,
  isolationLevel: true,
};
const newTopic: Names<NewTopic> = {
  name: true,
  partitions: true,
  replicas: true,
  assignments: true,
  configs: true,
};
const listTopics: Names<ListTopicsOptions> = { ...operation, internal: true };
const createPartitions: Names<CreatePartitionsOptions> = { ...change, assignments: true };
const describeConfigs: Names<DescribeConfigsOptions> = {
  ...operation,
  names: true,
  synonyms: true,
  documentation: true,
};
const listOffsets: Names<ListOffsetsOptions> = {
  ...operation,
  partitions: true,
  isolationLevel: true,
};
const describeLogDirs: Names<DescribeLogDirsOptions> = {
  ...operation,
  brokers: true,
  topics: true,
};
const listGroups: Names<ListGroupsOptions> = { ...operation, states: true, types: true };
const listGroupOffsets: Names<ListGroupOffsetsOptions> = { ...operation, partitions: true };
const resetGroupOffsets: Names<ResetGroupOffsetsOptions> = {
  ...operation,
  partitions: true,
  validateOnly: true,
};

/** The names by what they are options of. */
export const OPTION_NAMES = {
  change,
  client,
  close,
  consumer,
  createPartitions,
  describeConfigs,
  describeLogDirs,
  fetchFrom,
  groupConsumer,
  listGroupOffsets,
  listGroups,
  listOffsets,
  listTopics,
  newTopic,
  operation,
  poll,
  producer,
  resetGroupOffsets,
  retry,
  subscribe,
  subscribePartition,
  wait,
} as const;

/**
 * Checks that options have no other names than they may.
 *
 * @param call What they were given to, as in `poll()`.
 * @throws {UsageError} If one has, with the known name that is nearest; or if they are no object.
 */
export function ensureKnown(
  call: string,
  options: object,
  names: { readonly [name: string]: true },
): void {
  if (typeof options !== "object" || options === null) {
    throw new UsageError(
      `Cannot use ${JSON.stringify(options)} as options of ${call}: an object is needed`,
      `Known are ${Object.keys(names).join(", ")}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    throw new UsageError(
      `Cannot use option "${name}" of ${call}: there is none of that name` +
        didYouMean(name, Object.keys(names)),
      `Known are ${Object.keys(names).join(", ")}`,
    );
  }
}
