/**
 * Listing and describing topics and the cluster. Any broker answers.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { describeCluster } from "../../protocol/messages/cluster/describe_cluster.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import type {
  ClusterDescription,
  DescribeClusterOptions,
  ListTopicsOptions,
  TopicDescription,
  TopicListing,
} from "./admin_types.ts";
import {
  type ClientCore,
  isUnknownTopic,
  type OperationOptions,
} from "../connection/client_core.ts";
import { type BrokerNode, topicMetadata } from "../connection/cluster_metadata.ts";
import { KafkaError, UnsupportedVersionError } from "../errors.ts";

/** Lists topics, sorted by name. */
export async function listAllTopics(
  core: ClientCore,
  options: ListTopicsOptions,
): Promise<TopicListing[]> {
  const response = await core.retry(
    "list topics",
    options,
    (signal) => core.requestAny(metadata, allTopics, { signal }),
  );
  return response.topics
    .filter(({ name, isInternal }) => name !== null && (options.internal || !isInternal))
    .map(({ name, topicId, isInternal, partitions }) => ({
      name: name!,
      id: topicId,
      isInternal,
      partitions: partitions.length,
      replicas: partitions[0]?.replicaNodes.length ?? 0,
    }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Requests all topics. Version 0 has no null list: an empty one means all. */
function allTopics(version: number): { topics: { name: string }[] | null } {
  return { topics: version === 0 ? [] : null };
}

/** Describes topics in the given order. @throws {KafkaError} If a topic does not exist. */
export function describeAllTopics(
  core: ClientCore,
  names: readonly string[],
  options: OperationOptions,
): Promise<TopicDescription[]> {
  return core.retry("describe topics", options, async (signal) => {
    const response = await core.requestAny(
      metadata,
      (version) => ({
        topics: names.map((name) => ({ name })),
        ...(version >= 4 ? { allowAutoTopicCreation: false } : {}),
      }),
      { signal },
    );
    const described = new Map(response.topics.map((topic) => [topic.name, topic]));
    return names.map((name) => {
      const topic = described.get(name);
      const errorCode = topic?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      if (topic === undefined || errorCode !== ErrorCode.NONE) {
        throw new KafkaError(`describe topic "${name}"`, errorCode);
      }
      const { id, isInternal, partitions } = topicMetadata(topic, name);
      return { name, id, isInternal, partitions };
    });
  }, isUnknownTopic);
}

/** Describes the cluster, with its brokers sorted by id. */
export async function describeWholeCluster(
  core: ClientCore,
  { includeFencedBrokers = false, ...options }: DescribeClusterOptions,
): Promise<ClusterDescription> {
  const action = "describe the cluster";
  const { clusterId, controllerId, brokers, fenced } = await core.retry(
    action,
    options,
    async (signal) => {
      try {
        const request = (version: number) => version >= 2 ? { includeFencedBrokers } : {};
        const response = await core.requestAny(describeCluster, request, { signal });
        if (response.errorCode !== ErrorCode.NONE) {
          throw new KafkaError(action, response.errorCode, response.errorMessage);
        }
        const fenced = response.brokers.filter(({ isFenced }) => isFenced).map(nodeOf);
        const brokers = response.brokers.filter(({ isFenced }) => !isFenced).map(nodeOf);
        return { ...response, brokers, fenced };
      } catch (error) {
        if (!(error instanceof UnsupportedVersionError)) throw error;
        // Brokers before 2.8 return the same in Metadata.
        await core.metadata.refresh();
        const { brokers, clusterId, controller } = core.metadata;
        return { brokers, clusterId, controllerId: controller?.id ?? -1, fenced: [] };
      }
    },
  );
  const byId = (a: BrokerNode, b: BrokerNode) => a.id - b.id;
  return {
    clusterId,
    controllerId,
    brokers: [...brokers].sort(byId),
    fencedBrokers: fenced.sort(byId),
  };
}

function nodeOf(
  { brokerId, host, port, rack }: {
    readonly brokerId: number;
    readonly host: string;
    readonly port: number;
    readonly rack: string | null;
  },
): BrokerNode {
  return { id: brokerId, host, port, rack };
}
