/**
 * CreateTopics: creates topics, each with its own result. Versions 0 to 7.
 *
 * A topic listed twice is rejected, as is one with an unknown setting. -1 partitions or replicas
 * select the broker's defaults. Results are in request order (Kafka guarantees none). Versions 0
 * and 1, which Kafka 4 removed, only lack some fields.
 *
 * Version 1 adds validate-only and messages, 4 the defaults (KIP-464), 5 is flexible and returns
 * the settings (KIP-525), 7 the topic id (KIP-516).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  createTopics,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
} from "../../../protocol/messages/topics/create_topics.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { authorize, inHandler, mayDo, mayDoOnCluster, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { inPartitionOrder } from "../../topics/replica_assignment.ts";
import {
  type CreatedTopic,
  MAX_PARTITIONS_PER_REQUEST,
  type NewTopic,
} from "../../topics/topic_registry.ts";
import { topicConfigEntry } from "../configs/resources/config_entries.ts";
import { awaitEach, byName, CHANGES_AT_ONCE } from "../each_item.ts";
import { duplicate, failure, type Outcome, SUCCESS } from "../outcome.ts";
import { MutationQuota } from "./mutation_quota.ts";
import { withinTimeout } from "../within_timeout.ts";

type TopicRequest = CreateTopicsRequest["topics"][number];
type TopicResponse = CreateTopicsResponse["topics"][number];

/** The first version in which topics beyond the quota of changes are refused (KIP-599). */
const FIRST_STRICT_VERSION = 6;

/** Maximum number of settings of a topic. */
const MAX_CONFIGS = 1000;

const DENIED: Outcome = {
  errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  errorMessage: "Authorization failed.",
};

/** Serves CreateTopics. */
export const createTopicsHandler: ApiHandler = handler(
  createTopics,
  handleCreateTopics,
  inHandler(
    rule(AclOperation.create, AclResourceType.cluster, "instead"),
    rule(AclOperation.create, AclResourceType.topic, "item"),
    rule(AclOperation.describeConfigs, AclResourceType.topic, "shown"),
  ),
);

async function handleCreateTopics(
  request: CreateTopicsRequest,
  context: RequestContext,
): Promise<CreateTopicsResponse> {
  const named = await byName(request.topics, ({ name }) => name);
  const refusal = checkTotal(request, context);
  const mayCreateAll = mayDoOnCluster(context, AclOperation.create);
  const mayCreate = (name: string) =>
    mayCreateAll || authorize(context, AclOperation.create, AclResourceType.topic, name);
  const quota = new MutationQuota(context, FIRST_STRICT_VERSION);
  const topics = await awaitEach([...named.values()], async ({ item: topic, count }) => {
    const { name } = topic;
    if (count > 1) return { name, ...duplicate(`topic "${name}"`) };
    if (!mayCreate(name)) return { name, ...DENIED };
    try {
      if (refusal !== undefined) throw refusal;
      return created(
        await withinTimeout(create(topic, request, quota, context), request.timeoutMs, context),
        mayDo(context, AclOperation.describeConfigs, AclResourceType.topic, name),
      );
    } catch (error) {
      return { name, ...failure(error, context) };
    }
  }, CHANGES_AT_ONCE);
  return { topics, throttleTimeMs: quota.throttleTimeMs };
}

async function create(
  topic: TopicRequest,
  { validateOnly }: CreateTopicsRequest,
  quota: MutationQuota,
  { broker }: RequestContext,
): Promise<CreatedTopic> {
  const { topics } = broker;
  const valid = newTopic(topic);
  // Validation takes as much of the controller's time.
  return await quota.spend(
    partitionsOf(topic, broker),
    () => topics.createTopic(valid, { validateOnly }),
  );
}

function partitionsOf(
  { numPartitions, assignments }: TopicRequest,
  { config }: RequestContext["broker"],
): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? config.get("num.partitions") : Math.max(0, numPartitions);
}

function newTopic(topic: TopicRequest): NewTopic {
  const { name, numPartitions, replicationFactor, assignments } = topic;
  const configs = new Map<string, string>();
  if (topic.configs.length > MAX_CONFIGS) {
    throw new ApiError(
      ErrorCode.INVALID_CONFIG,
      `Cannot set ${topic.configs.length} settings: the maximum is ${MAX_CONFIGS}`,
    );
  }
  for (const { name, value } of topic.configs) {
    if (value === null) {
      throw new ApiError(ErrorCode.INVALID_CONFIG, `Cannot set "${name}": the value is null`);
    }
    configs.set(name, value);
  }
  return {
    name,
    partitions: numPartitions,
    replicationFactor,
    configs,
    ...(assignments.length === 0 ? {} : { assignment: inPartitionOrder(assignments) }),
  };
}

function created(
  { name, id, partitions, replicationFactor, config }: CreatedTopic,
  mayDescribeConfigs: boolean,
): TopicResponse {
  if (!mayDescribeConfigs) {
    const topicConfigErrorCode = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    return { name, topicId: id, ...SUCCESS, topicConfigErrorCode, configs: null };
  }
  return {
    name,
    topicId: id,
    ...SUCCESS,
    numPartitions: partitions,
    replicationFactor,
    configs: config.names.map((setting) => {
      const { name, value, readOnly, configSource, isSensitive } = topicConfigEntry(
        config,
        setting,
      );
      return { name, value, readOnly, configSource, isSensitive };
    }),
  };
}

/**
 * Kafka limits the partitions created per request because it creates them in a single metadata
 * transaction.
 */
function checkTotal(
  { topics }: CreateTopicsRequest,
  { broker }: RequestContext,
): ApiError | undefined {
  const total = topics.reduce((sum, topic) => sum + partitionsOf(topic, broker), 0);
  return total <= MAX_PARTITIONS_PER_REQUEST ? undefined : new ApiError(
    ErrorCode.POLICY_VIOLATION,
    `Cannot create ${total} partitions: the maximum per request is ${MAX_PARTITIONS_PER_REQUEST}`,
  );
}
