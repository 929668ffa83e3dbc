/**
 * Metadata: brokers, topics, partitions and their leaders. Versions 0 to 13.
 *
 * Null topics mean all of them, as an empty list does in version 0; from version 1 an empty list
 * means none. A topic that does not exist is created if the client and
 * `auto.create.topics.enable` both allow it, and is answered with its leaders at once, since not
 * every client asks again after UNKNOWN_TOPIC_OR_PARTITION. Topics come in the order asked for.
 * From version 12 topics may be asked for by id; 10 and 11 carry ids in answers only. From version 8
 * a client may ask what it is allowed to do (KIP-430), until 10 with the cluster too.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { metadata } from "../../protocol/messages/metadata.ts";
import type { RequestOf, ResponseTo } from "../../protocol/schema.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { errorCodeOf } from "../api_error.ts";
import { ALL_CLUSTER_OPERATIONS, ALL_TOPIC_OPERATIONS } from "../authorized_operations.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import type { Partition } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";

type Request = RequestOf<typeof metadata>;
type Response = ResponseTo<typeof metadata>;
type TopicMetadata = Response["topics"][number];

const FIRST_VERSION_BY_TOPIC_ID = 12;
const NO_LEADER = -1;

/** Serves Metadata. */
export const metadataHandler: ApiHandler = handler(metadata, handleMetadata);

async function handleMetadata(request: Request, context: RequestContext): Promise<Response> {
  const { cluster } = context.broker;
  const topics = await describeTopics(request, context);
  return {
    brokers: cluster.brokers.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: cluster.clusterId,
    controllerId: cluster.controllerId,
    topics: request.includeTopicAuthorizedOperations ? topics.map(withOperations) : topics,
    ...(request.includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: ALL_CLUSTER_OPERATIONS }
      : {}),
  };
}

function withOperations(topic: TopicMetadata): TopicMetadata {
  if (topic.errorCode !== ErrorCode.NONE) return topic;
  return { ...topic, topicAuthorizedOperations: ALL_TOPIC_OPERATIONS };
}

async function describeTopics(request: Request, context: RequestContext): Promise<TopicMetadata[]> {
  const { topics } = context.broker;
  const wantsAll = request.topics === null ||
    (context.apiVersion === 0 && request.topics.length === 0);
  if (wantsAll) return Array.from(topics.all(), describe);
  const described: TopicMetadata[] = [];
  for (const { topicId, name } of request.topics!) {
    if (topicId !== ZERO_UUID && context.apiVersion >= FIRST_VERSION_BY_TOPIC_ID) {
      const topic = topics.byId(topicId);
      described.push(topic ? describe(topic) : unknownId(topicId));
    } else if (name === null) {
      described.push({ errorCode: ErrorCode.INVALID_REQUEST, name: "", topicId, partitions: [] });
    } else {
      described.push(await describeByName(name, request, context));
    }
  }
  return described;
}

async function describeByName(
  name: string,
  { allowAutoTopicCreation }: Request,
  { broker }: RequestContext,
): Promise<TopicMetadata> {
  const topic = broker.topics.get(name);
  if (topic !== undefined) return describe(topic);
  try {
    return describe(await broker.topics.autoCreate(name, allowAutoTopicCreation));
  } catch (error) {
    return { errorCode: errorCodeOf(error, broker.logger), name, partitions: [] };
  }
}

function unknownId(topicId: string): TopicMetadata {
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] };
}

function describe(topic: Topic): TopicMetadata {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map(describePartition),
  };
}

function describePartition(partition: Partition): TopicMetadata["partitions"][number] {
  const { leaderId, leaderEpoch, replicas, isr } = partition;
  return {
    errorCode: leaderId === NO_LEADER ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
    partitionIndex: partition.index,
    leaderId,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
  };
}
