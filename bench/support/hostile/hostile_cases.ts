/**
 * Requests within all limits that cost a broker as much as possible: very many elements, the same item named
 * repeatedly, answers much larger than their requests, answers that are never read.
 *
 * @module
 */

import { alterConfigs } from "../../../protocol/messages/configs/alter_configs.ts";
import { consumerGroupDescribe } from "../../../protocol/messages/groups/consumer_group_describe.ts";
import { consumerGroupHeartbeat } from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { createPartitions } from "../../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import { deleteGroups } from "../../../protocol/messages/groups/delete_groups.ts";
import { deleteRecords } from "../../../protocol/messages/records/delete_records.ts";
import { deleteTopics } from "../../../protocol/messages/topics/delete_topics.ts";
import { describeConfigs } from "../../../protocol/messages/configs/describe_configs.ts";
import { describeGroups } from "../../../protocol/messages/groups/describe_groups.ts";
import { describeLogDirs } from "../../../protocol/messages/cluster/describe_log_dirs.ts";
import { describeTopicPartitions } from "../../../protocol/messages/topics/describe_topic_partitions.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { findCoordinator } from "../../../protocol/messages/groups/find_coordinator.ts";
import { incrementalAlterConfigs } from "../../../protocol/messages/configs/incremental_alter_configs.ts";
import { joinGroup } from "../../../protocol/messages/groups/join_group.ts";
import { leaveGroup } from "../../../protocol/messages/groups/leave_group.ts";
import { listGroups } from "../../../protocol/messages/groups/list_groups.ts";
import { listOffsets } from "../../../protocol/messages/records/list_offsets.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import { offsetCommit } from "../../../protocol/messages/groups/offset_commit.ts";
import { offsetDelete } from "../../../protocol/messages/groups/offset_delete.ts";
import { offsetFetch } from "../../../protocol/messages/groups/offset_fetch.ts";
import { offsetForLeaderEpoch } from "../../../protocol/messages/records/offset_for_leader_epoch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { syncGroup } from "../../../protocol/messages/groups/sync_group.ts";
import {
  each,
  EMPTY,
  HOSTILE_GROUP,
  HOSTILE_PARTITIONS,
  HOSTILE_TOPIC,
  type HostileCase,
  MANY,
  repeat,
  TIMEOUT_MS,
} from "./hostile_case.ts";
import { HOSTILE_ADMINISTRATION } from "./hostile_administration.ts";
import { HOSTILE_BATCHES } from "./hostile_batches.ts";
import { requestFrame } from "../load/load_connection.ts";

const topic = HOSTILE_TOPIC;
const group = HOSTILE_GROUP;

/** All cases. */
export const HOSTILE_CASES: readonly HostileCase[] = [
  ...HOSTILE_ADMINISTRATION,
  {
    name: "Metadata, a topic of 10,000 partitions 10,000 times",
    frame: () => requestFrame(metadata, 12, { topics: repeat(10_000, { name: topic }) }),
  },
  {
    name: "Metadata, 300,000 names",
    frame: () =>
      requestFrame(metadata, 9, {
        topics: each(300_000, (i) => ({ name: `unknown-${i}` })),
        allowAutoTopicCreation: false,
      }),
  },
  {
    name: "Metadata, 300,000 names that may not be, to be created",
    frame: () => requestFrame(metadata, 9, { topics: each(300_000, (i) => ({ name: `no/${i}` })) }),
  },
  {
    name: "Metadata, 3,000 pipelined of 10,000 partitions each",
    times: 3000,
    frame: () => requestFrame(metadata, 12, { topics: [{ name: topic }] }),
  },
  {
    name: "Metadata, 50 connections with 1,000 requests that take no answer",
    times: 1000,
    connections: 50,
    isTaken: false,
    frame: () => requestFrame(metadata, 12, { topics: [{ name: topic }] }),
  },
  {
    name: "DescribeConfigs, the broker's 200,000 times",
    frame: () =>
      requestFrame(describeConfigs, 4, {
        resources: repeat(200_000, { resourceType: 4, resourceName: "1", configurationKeys: null }),
        includeDocumentation: true,
        includeSynonyms: true,
      }),
  },
  {
    name: "DescribeConfigs, a topic's 10,000 times",
    frame: () =>
      requestFrame(describeConfigs, 4, {
        resources: repeat(10_000, {
          resourceType: 2,
          resourceName: topic,
          configurationKeys: null,
        }),
        includeDocumentation: true,
      }),
  },
  {
    name: "DescribeConfigs, 500,000 keys",
    frame: () =>
      requestFrame(describeConfigs, 4, {
        resources: [{
          resourceType: 2,
          resourceName: topic,
          configurationKeys: each(MANY, (i) => `key-${i}`),
        }],
      }),
  },
  {
    name: "DescribeGroups, 500,000 times the same",
    frame: () => requestFrame(describeGroups, 5, { groups: repeat(MANY, group) }),
  },
  {
    name: "ConsumerGroupDescribe, 500,000 times the same",
    frame: () => requestFrame(consumerGroupDescribe, 0, { groupIds: repeat(MANY, group) }),
  },
  {
    name: "CreatePartitions, 300,000 names",
    frame: () =>
      requestFrame(createPartitions, 3, {
        topics: each(300_000, (i) => ({ name: `unknown-${i}`, count: 2, assignments: null })),
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
  },
  {
    name: "CreatePartitions, an assignment of 500,000",
    frame: () =>
      requestFrame(createPartitions, 3, {
        topics: [{ name: topic, count: MANY, assignments: repeat(MANY, { brokerIds: [1] }) }],
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
  },
  {
    name: "CreateTopics, 200,000 names",
    frame: () =>
      requestFrame(createTopics, 7, {
        topics: each(200_000, (i) => ({
          name: `new-${i}`,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        })),
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
  },
  {
    name: "CreateTopics, 5,000 names, validated",
    frame: () =>
      requestFrame(createTopics, 7, {
        topics: each(5000, (i) => ({
          name: `new_${i}`,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        })),
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
  },
  {
    name: "CreateTopics, one topic of 1,000,000 partitions",
    frame: () =>
      requestFrame(createTopics, 7, {
        topics: [{
          name: "huge",
          numPartitions: 1_000_000,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        }],
        timeoutMs: TIMEOUT_MS,
      }),
  },
  {
    name: "CreateTopics, an assignment of 400,000",
    frame: () =>
      requestFrame(createTopics, 7, {
        topics: [{
          name: "assigned",
          numPartitions: -1,
          replicationFactor: -1,
          assignments: each(400_000, (partitionIndex) => ({ partitionIndex, brokerIds: [1] })),
          configs: [],
        }],
        timeoutMs: TIMEOUT_MS,
      }),
  },
  {
    name: "CreateTopics, 300,000 settings",
    frame: () =>
      requestFrame(createTopics, 7, {
        topics: [{
          name: "set",
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: each(300_000, (i) => ({ name: `key-${i}`, value: "1" })),
        }],
        timeoutMs: TIMEOUT_MS,
      }),
  },
  {
    name: "DeleteTopics, 300,000 names",
    frame: () =>
      requestFrame(deleteTopics, 5, {
        topicNames: each(300_000, (i) => `unknown-${i}`),
        timeoutMs: TIMEOUT_MS,
      }),
  },
  {
    name: "DeleteRecords, 500,000 times the same partition",
    frame: () =>
      requestFrame(deleteRecords, 2, {
        topics: [{ name: topic, partitions: repeat(MANY, { partitionIndex: 0, offset: 0 }) }],
        timeoutMs: TIMEOUT_MS,
      }),
  },
  {
    name: "DeleteRecords, 500,000 partitions",
    frame: () =>
      requestFrame(deleteRecords, 2, {
        topics: [{
          name: topic,
          partitions: each(MANY, (partitionIndex) => ({ partitionIndex, offset: 0 })),
        }],
        timeoutMs: TIMEOUT_MS,
      }),
  },
  {
    name: "OffsetCommit, 400,000 times the same partition",
    frame: () =>
      requestFrame(offsetCommit, 8, {
        groupId: "another",
        generationIdOrMemberEpoch: -1,
        memberId: "",
        topics: [{
          name: topic,
          partitions: repeat(400_000, {
            partitionIndex: 0,
            committedOffset: 1,
            committedMetadata: "",
          }),
        }],
      }),
  },
  {
    name: "OffsetCommit, 300,000 unknown topics",
    frame: () =>
      requestFrame(offsetCommit, 8, {
        groupId: "another",
        generationIdOrMemberEpoch: -1,
        memberId: "",
        topics: each(200_000, (i) => ({
          name: `unknown-${i}`,
          partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "" }],
        })),
      }),
  },
  {
    name: "OffsetFetch, all of 10,000 offsets 100,000 times",
    frame: () =>
      requestFrame(offsetFetch, 8, {
        groups: repeat(100_000, { groupId: group, topics: null }),
      }),
  },
  {
    name: "OffsetFetch, 500,000 partitions",
    frame: () =>
      requestFrame(offsetFetch, 8, {
        groups: [{
          groupId: group,
          topics: [{ name: topic, partitionIndexes: each(MANY, (i) => i) }],
        }],
      }),
  },
  {
    name: "OffsetDelete, 500,000 times the same partition",
    frame: () =>
      requestFrame(offsetDelete, 0, {
        groupId: group,
        topics: [{ name: topic, partitions: repeat(MANY, { partitionIndex: 99_999 }) }],
      }),
  },
  {
    name: "FindCoordinator, 500,000 keys",
    frame: () =>
      requestFrame(findCoordinator, 4, {
        keyType: 0,
        coordinatorKeys: each(MANY, (i) => `group-${i}`),
      }),
  },
  {
    name: "ListOffsets, 400,000 times the same partition",
    frame: () =>
      requestFrame(listOffsets, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{
          name: topic,
          partitions: repeat(400_000, { partitionIndex: 0, timestamp: -1 }),
        }],
      }),
  },
  {
    name: "ListOffsets, 400,000 partitions",
    frame: () =>
      requestFrame(listOffsets, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{
          name: topic,
          partitions: each(400_000, (partitionIndex) => ({ partitionIndex, timestamp: -1 })),
        }],
      }),
  },
  {
    name: "OffsetForLeaderEpoch, 500,000 times the same partition",
    frame: () =>
      requestFrame(offsetForLeaderEpoch, 4, {
        replicaId: -1,
        topics: [{ topic, partitions: repeat(MANY, { partition: 0, leaderEpoch: 0 }) }],
      }),
  },
  {
    name: "DescribeLogDirs, 1,000 times 900 partitions",
    frame: () =>
      requestFrame(describeLogDirs, 4, {
        topics: repeat(1000, { topic, partitions: each(900, (i) => i) }),
      }),
  },
  {
    name: "DescribeTopicPartitions, 500,000 names",
    frame: () =>
      requestFrame(describeTopicPartitions, 0, {
        topics: each(MANY, (i) => ({ name: `unknown-${i}` })),
        responsePartitionLimit: 2000,
        cursor: null,
      }),
  },
  {
    name: "AlterConfigs, 100,000 settings",
    frame: () =>
      requestFrame(alterConfigs, 2, {
        resources: [{
          resourceType: 2,
          resourceName: topic,
          configs: each(300_000, (i) => ({ name: `key-${i}`, value: "1" })),
        }],
        validateOnly: false,
      }),
  },
  {
    name: "IncrementalAlterConfigs, 200,000 resources",
    frame: () =>
      requestFrame(incrementalAlterConfigs, 1, {
        resources: each(200_000, (i) => ({
          resourceType: 2,
          resourceName: `unknown-${i}`,
          configs: [{ name: "retention.ms", configOperation: 0, value: "1" }],
        })),
        validateOnly: true,
      }),
  },
  {
    name: "IncrementalAlterConfigs, 100,000 entries added to and taken from a list",
    frame: () =>
      requestFrame(incrementalAlterConfigs, 1, {
        resources: each(100, (i) => ({
          resourceType: 2,
          resourceName: i === 0 ? topic : `unknown-${i}`,
          configs: [{
            name: "cleanup.policy",
            configOperation: 2 + i % 2,
            value: each(6000, (i) => `${i}`).join(","),
          }],
        })),
        validateOnly: true,
      }),
  },
  {
    name: "DeleteGroups, 500,000 names",
    frame: () => requestFrame(deleteGroups, 2, { groupsNames: each(MANY, (i) => `group-${i}`) }),
  },
  {
    name: "LeaveGroup, 500,000 members",
    frame: () =>
      requestFrame(leaveGroup, 5, {
        groupId: group,
        members: repeat(MANY, { memberId: "m", groupInstanceId: null, reason: null }),
      }),
  },
  {
    name: "JoinGroup, 300,000 protocols",
    frame: () =>
      requestFrame(joinGroup, 7, {
        groupId: "protocols",
        sessionTimeoutMs: 6000,
        rebalanceTimeoutMs: 6000,
        memberId: "",
        groupInstanceId: "one",
        protocolType: "consumer",
        protocols: each(300_000, (i) => ({ name: `protocol-${i}`, metadata: EMPTY })),
      }),
  },
  {
    name: "SyncGroup, 300,000 assignments",
    frame: () =>
      requestFrame(syncGroup, 5, {
        groupId: "protocols",
        generationId: 1,
        memberId: "",
        groupInstanceId: "one",
        protocolType: "consumer",
        protocolName: "protocol-0",
        assignments: each(300_000, (i) => ({ memberId: `member-${i}`, assignment: EMPTY })),
      }),
  },
  {
    name: "ConsumerGroupHeartbeat, 300,000 topics",
    frame: () =>
      requestFrame(consumerGroupHeartbeat, 1, {
        groupId: "modern",
        memberId: "member-of-many",
        memberEpoch: 0,
        rebalanceTimeoutMs: 6000,
        subscribedTopicNames: each(300_000, (i) => `topic-${i}`),
        topicPartitions: [],
      }),
  },
  {
    name: "ConsumerGroupHeartbeat, an expression that takes long",
    frame: () =>
      requestFrame(consumerGroupHeartbeat, 1, {
        groupId: "regular",
        memberId: "member-of-expression",
        memberEpoch: 0,
        rebalanceTimeoutMs: 6000,
        subscribedTopicNames: [],
        subscribedTopicRegex: "(([a-z-])+.)+[A-Z]([a-z])+$|(" + "a?".repeat(2000) + ")*z",
        topicPartitions: [],
      }),
  },
  {
    name: "ListGroups, 500,000 filters",
    frame: () =>
      requestFrame(listGroups, 5, {
        statesFilter: each(MANY, (i) => `state-${i}`),
        typesFilter: [],
      }),
  },
  {
    name: "Fetch, 200,000 partitions",
    frame: () =>
      requestFrame(fetch, 12, {
        maxWaitMs: 0,
        minBytes: 0,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [{
          topic,
          partitions: each(200_000, (partition) => ({
            partition,
            fetchOffset: 0,
            partitionMaxBytes: 1_000_000,
          })),
        }],
        forgottenTopicsData: [],
      }),
  },
  {
    name: "Fetch, 200,000 partitions in a session, with a wait",
    frame: () =>
      requestFrame(fetch, 12, {
        maxWaitMs: 500,
        minBytes: 1,
        sessionId: 0,
        sessionEpoch: 0,
        topics: [{
          topic,
          partitions: each(200_000, (i) => ({
            partition: i % HOSTILE_PARTITIONS,
            fetchOffset: 0,
            partitionMaxBytes: 1_000_000,
          })),
        }],
        forgottenTopicsData: [],
      }),
  },
  {
    name: "Produce, 500,000 times a partition that is not there",
    frame: () =>
      requestFrame(produce, 9, {
        acks: 1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{
          name: "unknown",
          partitionData: repeat(MANY, { index: 0, records: EMPTY }),
        }],
      }),
  },
  {
    name: "names that take more when they are sent back",
    frame: () => {
      const frame = requestFrame(findCoordinator, 4, {
        keyType: 0,
        coordinatorKeys: repeat(200, "~".repeat(32_767)),
      });
      frame.forEach((byte, i) => byte === 0x7e ? frame[i] = 0xff : undefined);
      return frame;
    },
  },
  ...HOSTILE_BATCHES,
];
