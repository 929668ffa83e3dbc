/**
 * The responses of the stub broker of `capture.ts`: a cluster with one node, where every topic
 * exists, is empty and has one partition, and where every group has a single member.
 *
 * @module
 */

import { ErrorCode } from "../../errors.ts";
import type { Api, RequestOf, ResponseTo } from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";
import * as messages from "../mod.ts";

/** The address of the stub, and the version of the current request. */
export interface StubContext {
  readonly host: string;
  readonly port: number;
  readonly apiVersion: number;
}

type Answer = (request: never, context: StubContext) => unknown;

/** A response for each API key. */
export const STUB_ANSWERS: ReadonlyMap<number, Answer> = new Map<number, Answer>([
  answer(messages.apiVersions, () => ({
    errorCode: 0,
    apiKeys: messages.APIS.map(({ key, versions }) => ({
      apiKey: key,
      // Like Kafka, for librdkafka (KAFKA-18659).
      minVersion: key === messages.produce.key ? 0 : versions.min,
      maxVersion: versions.max,
    })),
  })),
  answer(messages.metadata, ({ topics }, { host, port }) => ({
    brokers: [{ nodeId: NODE_ID, host, port }],
    clusterId: "golden-frames",
    controllerId: NODE_ID,
    topics: (topics ?? [{ name: TOPIC, topicId: TOPIC_ID }]).map(({ name }) => ({
      errorCode: 0,
      name: name ?? TOPIC,
      topicId: TOPIC_ID,
      partitions: [partition],
    })),
  })),
  answer(messages.describeTopicPartitions, ({ topics }) => ({
    topics: topics.map(({ name }) => ({
      errorCode: 0,
      name,
      topicId: TOPIC_ID,
      partitions: [{ ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] }],
    })),
  })),
  answer(messages.describeCluster, (_, { host, port }) => ({
    errorCode: 0,
    clusterId: "golden-frames",
    controllerId: NODE_ID,
    brokers: [{ brokerId: NODE_ID, host, port }],
  })),
  answer(messages.produce, ({ topicData }) => ({
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        errorCode: 0,
        baseOffset: 0,
      })),
    })),
  })),
  answer(messages.fetch, ({ topics }) => ({
    responses: topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition: partitionIndex }) => ({
        partitionIndex,
        errorCode: 0,
        highWatermark: 0,
        lastStableOffset: 0,
        logStartOffset: 0,
        abortedTransactions: null,
        records: new Uint8Array(0),
      })),
    })),
  })),
  answer(messages.listOffsets, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: 0,
        offset: 0,
      })),
    })),
  })),
  answer(messages.offsetForLeaderEpoch, ({ topics }) => ({
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, leaderEpoch }) => ({
        errorCode: 0,
        partition,
        leaderEpoch,
        endOffset: 0,
      })),
    })),
  })),
  answer(messages.initProducerId, () => ({ errorCode: 0, producerId: 1000, producerEpoch: 0 })),
  answer(messages.createTopics, ({ topics }) => ({
    topics: topics.map(({ name }) => ({ name, errorCode: 0, topicId: TOPIC_ID })),
  })),
  answer(messages.deleteTopics, ({ topics, topicNames }) => ({
    responses: [...topicNames.map((name) => ({ name, topicId: ZERO_UUID })), ...topics]
      .map(({ name, topicId }) => ({ name, topicId, errorCode: 0 })),
  })),
  answer(messages.createPartitions, ({ topics }) => ({
    results: topics.map(({ name }) => ({ name, errorCode: 0 })),
  })),
  answer(messages.deleteRecords, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        lowWatermark: 0,
        errorCode: 0,
      })),
    })),
  })),
  answer(messages.describeConfigs, ({ resources }) => ({
    results: resources.map(({ resourceType, resourceName }) => ({
      errorCode: 0,
      resourceType,
      resourceName,
      configs: [],
    })),
  })),
  answer(messages.alterConfigs, ({ resources }) => ({ responses: resources.map(unchanged) })),
  answer(messages.incrementalAlterConfigs, ({ resources }) => ({
    responses: resources.map(unchanged),
  })),
  answer(messages.describeLogDirs, () => ({
    results: [{ errorCode: 0, logDir: "/data", topics: [] }],
  })),
  answer(messages.findCoordinator, ({ coordinatorKeys }, { host, port }) => ({
    errorCode: 0,
    nodeId: NODE_ID,
    host,
    port,
    ...coordinatorKeys.length === 0 ? {} : {
      nodeId: 0,
      host: "",
      port: 0,
      coordinators: coordinatorKeys.map((key) => ({
        key,
        nodeId: NODE_ID,
        host,
        port,
        errorCode: 0,
      })),
    },
  })),
  answer(messages.joinGroup, ({ memberId, protocolType, protocols }, { apiVersion }) => ({
    errorCode: memberId === "" && apiVersion >= 4 ? ErrorCode.MEMBER_ID_REQUIRED : 0,
    generationId: 1,
    protocolType,
    protocolName: protocols[0]?.name ?? "",
    leader: MEMBER_ID,
    memberId: MEMBER_ID,
    members: [{ memberId: MEMBER_ID, metadata: protocols[0]?.metadata ?? new Uint8Array(0) }],
  })),
  answer(messages.syncGroup, ({ protocolType, protocolName, assignments }) => ({
    errorCode: 0,
    protocolType,
    protocolName,
    assignment: assignments[0]?.assignment ?? new Uint8Array(0),
  })),
  answer(messages.heartbeat, () => ({ errorCode: 0 })),
  answer(messages.leaveGroup, ({ members }) => ({
    errorCode: 0,
    members: members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: 0,
    })),
  })),
  answer(messages.offsetCommit, ({ topics }) => ({
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
    })),
  })),
  answer(messages.offsetFetch, ({ topics, groups }) => ({
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(uncommitted),
    })),
    groups: groups.map(({ groupId, topics }) => ({
      groupId,
      topics: (topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
        name,
        topicId,
        partitions: partitionIndexes.map(uncommitted),
      })),
    })),
  })),
  answer(messages.offsetDelete, ({ topics }) => ({
    errorCode: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
    })),
  })),
  answer(messages.listGroups, () => ({
    errorCode: 0,
    groups: [{ groupId: "readers", protocolType: "consumer" }],
  })),
  answer(messages.describeGroups, ({ groups }) => ({
    groups: groups.map((groupId) => ({
      errorCode: 0,
      groupId,
      groupState: "Empty",
      protocolType: "consumer",
      protocolData: "",
    })),
  })),
  answer(messages.deleteGroups, ({ groupsNames }) => ({
    results: groupsNames.map((groupId) => ({ groupId, errorCode: 0 })),
  })),
  answer(messages.consumerGroupHeartbeat, ({ memberId, memberEpoch }) => ({
    errorCode: 0,
    memberId: memberId === "" ? MEMBER_ID : memberId,
    memberEpoch: memberEpoch < 0 ? memberEpoch : 1,
    heartbeatIntervalMs: 200,
    assignment: { topicPartitions: [{ topicId: TOPIC_ID, partitions: [0] }] },
  })),
  answer(messages.consumerGroupDescribe, ({ groupIds }) => ({
    groups: groupIds.map((groupId) => ({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      groupId,
      groupState: "",
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignorName: "",
      members: [],
    })),
  })),
]);

function answer<A extends Api>(
  api: A,
  give: (request: RequestOf<A>, context: StubContext) => ResponseTo<A>,
): [number, Answer] {
  return [api.key, give as unknown as Answer];
}

const NODE_ID = 1;
const TOPIC = "golden";
const TOPIC_ID = "AAECAwQFBgcICQoLDA0ODw";
const MEMBER_ID = "member-1";

const partition = {
  errorCode: 0,
  partitionIndex: 0,
  leaderId: NODE_ID,
  leaderEpoch: 0,
  replicaNodes: [NODE_ID],
  isrNodes: [NODE_ID],
};

function unchanged(resource: { resourceType: number; resourceName: string }) {
  const { resourceType, resourceName } = resource;
  return { errorCode: 0, resourceType, resourceName };
}

function uncommitted(partitionIndex: number) {
  return { partitionIndex, committedOffset: -1, errorCode: 0 };
}
