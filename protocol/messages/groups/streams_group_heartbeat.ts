/**
 * StreamsGroupHeartbeat: joins a Kafka Streams group, keeps the membership alive, and leaves
 * (KIP-1071).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
  struct,
  uint16,
} from "../../schema/schema.ts";

/** Request and response of StreamsGroupHeartbeat in all versions. */
export const streamsGroupHeartbeat = api({
  key: 88,
  name: "StreamsGroupHeartbeat",
  versions: "0",
  flexible: "0+",
  request: {
    groupId: string("0+"),
    memberId: string("0+"),
    memberEpoch: int32("0+"),
    endpointInformationEpoch: int32("0+"),
    instanceId: string("0+", { nullable: "0+", default: null }),
    rackId: string("0+", { nullable: "0+", default: null }),
    rebalanceTimeoutMs: int32("0+", { default: -1 }),
    topology: struct(
      {
        epoch: int32("0+"),
        subtopologies: array({
          subtopologyId: string("0+"),
          sourceTopics: array(string("0+"), "0+"),
          sourceTopicRegex: array(string("0+"), "0+"),
          stateChangelogTopics: array({
            name: string("0+"),
            partitions: int32("0+"),
            replicationFactor: int16("0+"),
            topicConfigs: array({
              key: string("0+"),
              value: string("0+"),
            }, "0+"),
          }, "0+"),
          repartitionSinkTopics: array(string("0+"), "0+"),
          repartitionSourceTopics: array({
            name: string("0+"),
            partitions: int32("0+"),
            replicationFactor: int16("0+"),
            topicConfigs: array({
              key: string("0+"),
              value: string("0+"),
            }, "0+"),
          }, "0+"),
          copartitionGroups: array({
            sourceTopics: array(int16("0+"), "0+"),
            sourceTopicRegex: array(int16("0+"), "0+"),
            repartitionSourceTopics: array(int16("0+"), "0+"),
          }, "0+"),
        }, "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    activeTasks: array(
      {
        subtopologyId: string("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    standbyTasks: array(
      {
        subtopologyId: string("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    warmupTasks: array(
      {
        subtopologyId: string("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    processId: string("0+", { nullable: "0+", default: null }),
    userEndpoint: struct(
      {
        host: string("0+"),
        port: uint16("0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    clientTags: array(
      {
        key: string("0+"),
        value: string("0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    taskOffsets: array(
      {
        subtopologyId: string("0+"),
        partition: int32("0+"),
        offset: int64("0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    taskEndOffsets: array(
      {
        subtopologyId: string("0+"),
        partition: int32("0+"),
        offset: int64("0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    shutdownApplication: bool("0+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    memberId: string("0+"),
    memberEpoch: int32("0+"),
    heartbeatIntervalMs: int32("0+"),
    acceptableRecoveryLag: int32("0+"),
    taskOffsetIntervalMs: int32("0+"),
    status: array(
      {
        statusCode: int8("0+"),
        statusDetail: string("0+"),
      },
      "0+",
      { nullable: "0+" },
    ),
    activeTasks: array(
      {
        subtopologyId: string("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    standbyTasks: array(
      {
        subtopologyId: string("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    warmupTasks: array(
      {
        subtopologyId: string("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
    endpointInformationEpoch: int32("0+"),
    partitionsByUserEndpoint: array(
      {
        userEndpoint: struct({
          host: string("0+"),
          port: uint16("0+"),
        }, "0+"),
        activePartitions: array({
          topic: string("0+"),
          partitions: array(int32("0+"), "0+"),
        }, "0+"),
        standbyPartitions: array({
          topic: string("0+"),
          partitions: array(int32("0+"), "0+"),
        }, "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
  },
});

/** A decoded StreamsGroupHeartbeat request. */
export type StreamsGroupHeartbeatRequest = RequestOf<typeof streamsGroupHeartbeat>;
/** A StreamsGroupHeartbeat response to encode. */
export type StreamsGroupHeartbeatResponse = ResponseTo<typeof streamsGroupHeartbeat>;
