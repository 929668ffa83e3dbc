/**
 * The default responses of the fake cluster.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { IsolationLevel } from "../../protocol/messages/records/fetch.ts";
import { Acks } from "../../protocol/messages/records/produce.ts";
import {
  APIS,
  apiVersions,
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeCluster,
  fetch,
  initProducerId,
  listOffsets,
  ListOffsetsTimestamp,
  metadata,
  produce,
} from "../../protocol/messages/mod.ts";
import type { Api, RequestOf, ResponseTo } from "../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { type FakeCluster, type FakeTopic, NO_ANSWER } from "./fake_cluster.ts";
import type { FakeLog } from "./fake_log.ts";

/** The default response to a request. */
export function defaultAnswer(
  cluster: FakeCluster,
  nodeId: number,
  api: Api,
  version: number,
  body: unknown,
  signal: AbortSignal,
): unknown {
  switch (api.key) {
    case apiVersions.key:
      return answerApiVersions(cluster, version);
    case metadata.key:
      return answerMetadata(cluster, body as RequestOf<typeof metadata>);
    case produce.key:
      return answerProduce(cluster, nodeId, body as RequestOf<typeof produce>);
    case fetch.key:
      return answerFetch(cluster, nodeId, body as RequestOf<typeof fetch>, signal);
    case listOffsets.key:
      return answerListOffsets(cluster, nodeId, body as RequestOf<typeof listOffsets>);
    case initProducerId.key:
      return { errorCode: 0, producerId: cluster.nextProducerId++, producerEpoch: 0 };
    case createTopics.key:
      return answerCreateTopics(cluster, nodeId, body as RequestOf<typeof createTopics>);
    case deleteTopics.key:
      return answerDeleteTopics(cluster, body as RequestOf<typeof deleteTopics>);
    case createPartitions.key:
      return answerCreatePartitions(cluster, body as RequestOf<typeof createPartitions>);
    case deleteRecords.key:
      return answerDeleteRecords(cluster, body as RequestOf<typeof deleteRecords>);
    case describeCluster.key:
      return {
        errorCode: 0,
        clusterId: "fake",
        controllerId: cluster.controllerId,
        brokers: brokers(cluster).map(({ nodeId: brokerId, ...rest }) => ({ brokerId, ...rest })),
      };
  }
  throw new TypeError(`Cannot answer ${api.name}: the test has to`);
}

function brokers(cluster: FakeCluster): { nodeId: number; host: string; port: number }[] {
  return cluster.nodeIds.filter((id) => !cluster.unlisted.has(id))
    .filter((id) => !cluster.down.has(id))
    .map((nodeId) => ({ nodeId, host: `broker-${nodeId}`, port: 9092 }));
}

function answerApiVersions(
  cluster: FakeCluster,
  version: number,
): ResponseTo<typeof apiVersions> {
  const apiKeys = APIS
    .map(({ key, versions }) => ({
      apiKey: key,
      minVersion: versions.min,
      maxVersion: Math.min(versions.max, cluster.maxVersions[key] ?? versions.max),
    }))
    .filter(({ minVersion, maxVersion }) => maxVersion >= minVersion);
  const own = apiKeys.filter(({ apiKey }) => apiKey === apiVersions.key);
  return version > own[0]!.maxVersion
    ? { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: own }
    : {
      errorCode: 0,
      apiKeys,
      finalizedFeatures: Object.entries(cluster.features).map(([name, level]) => ({
        name,
        maxVersionLevel: level,
        minVersionLevel: level,
      })),
    };
}

function answerMetadata(
  cluster: FakeCluster,
  request: RequestOf<typeof metadata>,
): ResponseTo<typeof metadata> {
  const names = request.topics?.map(({ name }) => name!) ?? [...cluster.topics.keys()];
  return {
    brokers: brokers(cluster),
    clusterId: "fake",
    controllerId: cluster.controllerId,
    topics: names.map((name) => {
      const topic = cluster.topics.get(name);
      return {
        name,
        errorCode: topic === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0,
        topicId: topic?.id ?? ZERO_UUID,
        isInternal: name.startsWith("__"),
        partitions: (topic?.logs ?? []).map((log, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: cluster.down.has(log.leaderId) ? -1 : log.leaderId,
          leaderEpoch: log.leaderEpoch,
          replicaNodes: [log.leaderId],
          isrNodes: [log.leaderId],
        })),
      };
    }),
  };
}

function findTopic(cluster: FakeCluster, name: string, id: string): FakeTopic | undefined {
  if (id === ZERO_UUID) return cluster.topics.get(name);
  return [...cluster.topics.values()].find((topic) => topic.id === id);
}

/** The log of a partition, or the error code if this broker does not have it. */
function leaderLog(
  topic: FakeTopic | undefined,
  partition: number,
  nodeId: number,
): { log: FakeLog; errorCode: 0 } | { log?: FakeLog; errorCode: number } {
  const log = topic?.logs[partition];
  if (log === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  if (log.leaderId !== nodeId) return { log, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
  return { log, errorCode: 0 };
}

function answerProduce(
  cluster: FakeCluster,
  nodeId: number,
  request: RequestOf<typeof produce>,
): ResponseTo<typeof produce> | typeof NO_ANSWER {
  const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index, records }) => {
      const { log, errorCode } = leaderLog(findTopic(cluster, name, topicId), index, nodeId);
      if (errorCode !== 0) return { index, errorCode, baseOffset: -1 };
      return { index, ...log!.append(records!) };
    }),
  }));
  return request.acks === Acks.none ? NO_ANSWER : { responses };
}

async function answerFetch(
  cluster: FakeCluster,
  nodeId: number,
  request: RequestOf<typeof fetch>,
  signal: AbortSignal,
): Promise<ResponseTo<typeof fetch>> {
  const deadline = performance.now() + request.maxWaitMs;
  for (;;) {
    const response = fetchNow(cluster, nodeId, request);
    const partitions = response.responses.flatMap((topic) => topic.partitions);
    const left = deadline - performance.now();
    if (
      left <= 0 || signal.aborted ||
      partitions.some((p) => p.errorCode !== 0 || p.records!.length > 0)
    ) {
      return response;
    }
    await change(cluster, request, left, signal);
  }
}

/**
 * Waits for a change of a requested partition, or until nothing waits for the response any more.
 */
function change(
  cluster: FakeCluster,
  request: RequestOf<typeof fetch>,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    for (const { topic, topicId, partitions } of request.topics) {
      for (const { partition } of partitions) {
        findTopic(cluster, topic, topicId)?.logs[partition]?.onChange(done);
      }
    }
  });
}

function fetchNow(cluster: FakeCluster, nodeId: number, request: RequestOf<typeof fetch>) {
  return {
    responses: request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
        const found = leaderLog(findTopic(cluster, topic, topicId), partition, nodeId);
        const { log } = found;
        let { errorCode } = found;
        if (errorCode === 0 && log !== undefined) {
          const isOutside = fetchOffset < log.logStartOffset || fetchOffset > log.highWatermark;
          if (isOutside) errorCode = ErrorCode.OFFSET_OUT_OF_RANGE;
        }
        return {
          partitionIndex: partition,
          errorCode,
          highWatermark: log?.highWatermark ?? -1,
          lastStableOffset: log?.lastStableOffset ?? -1,
          logStartOffset: log?.logStartOffset ?? -1,
          abortedTransactions: request.isolationLevel === IsolationLevel.readCommitted
            ? log?.aborted.filter(({ lastOffset = Infinity }) => lastOffset >= fetchOffset) ?? []
            : null,
          records: errorCode === 0
            ? log!.read(fetchOffset, partitionMaxBytes, readEnd(log!, request.isolationLevel))
            : [] as Uint8Array[],
        };
      }),
    })),
  };
}

/** The offset up to which a reader of an isolation level reads. */
function readEnd(log: FakeLog, isolationLevel: number): number {
  return isolationLevel === IsolationLevel.readCommitted ? log.lastStableOffset : log.highWatermark;
}

function answerListOffsets(
  cluster: FakeCluster,
  nodeId: number,
  request: RequestOf<typeof listOffsets>,
): ResponseTo<typeof listOffsets> {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        const topic = cluster.topics.get(name);
        const { log, errorCode } = leaderLog(topic, partitionIndex, nodeId);
        if (errorCode !== 0 || log === undefined) return { partitionIndex, errorCode };
        if (timestamp === ListOffsetsTimestamp.latest) {
          return { partitionIndex, errorCode, offset: readEnd(log, request.isolationLevel) };
        }
        if (timestamp === ListOffsetsTimestamp.earliest) {
          return { partitionIndex, errorCode, offset: log.logStartOffset };
        }
        return { partitionIndex, errorCode, ...log.findTimestamp(timestamp) };
      }),
    })),
  };
}

function answerCreateTopics(
  cluster: FakeCluster,
  nodeId: number,
  request: RequestOf<typeof createTopics>,
): ResponseTo<typeof createTopics> {
  return {
    topics: request.topics.map(({ name, numPartitions }) => {
      if (nodeId !== cluster.controllerId) return { name, errorCode: ErrorCode.NOT_CONTROLLER };
      if (cluster.topics.has(name)) {
        const errorMessage = `Topic '${name}' already exists.`;
        return { name, errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage };
      }
      const partitions = Math.max(1, numPartitions);
      const topicId = request.validateOnly ? ZERO_UUID : cluster.createTopic(name, partitions).id;
      return { name, errorCode: 0, topicId, numPartitions: partitions, replicationFactor: 1 };
    }),
  };
}

function answerDeleteTopics(
  cluster: FakeCluster,
  request: RequestOf<typeof deleteTopics>,
): ResponseTo<typeof deleteTopics> {
  const names = [...request.topics.map(({ name }) => name!), ...request.topicNames];
  return {
    responses: names.map((name) => ({
      name,
      errorCode: cluster.topics.delete(name) ? 0 : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    })),
  };
}

function answerCreatePartitions(
  cluster: FakeCluster,
  request: RequestOf<typeof createPartitions>,
): ResponseTo<typeof createPartitions> {
  return {
    results: request.topics.map(({ name, count }) => {
      const topic = cluster.topics.get(name);
      if (topic === undefined) return { name, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
      if (count <= topic.logs.length) return { name, errorCode: ErrorCode.INVALID_PARTITIONS };
      if (!request.validateOnly) cluster.addPartitions(name, count);
      return { name, errorCode: 0 };
    }),
  };
}

function answerDeleteRecords(
  cluster: FakeCluster,
  request: RequestOf<typeof deleteRecords>,
): ResponseTo<typeof deleteRecords> {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        const log = cluster.topics.get(name)?.logs[partitionIndex];
        if (log === undefined) {
          const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
          return { partitionIndex, lowWatermark: -1, errorCode };
        }
        const before = offset < 0 ? log.highWatermark : offset;
        if (before > log.highWatermark) {
          const errorCode = ErrorCode.OFFSET_OUT_OF_RANGE;
          return { partitionIndex, lowWatermark: -1, errorCode };
        }
        log.logStartOffset = Math.max(log.logStartOffset, before);
        return { partitionIndex, lowWatermark: log.logStartOffset, errorCode: 0 };
      }),
    })),
  };
}
