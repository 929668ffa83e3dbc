/**
 * Group members for tests, which ignore their assignments.
 *
 * @module
 */

import { coreOf } from "../../../client/client.ts";
import {
  encodeAssignment,
  encodeSubscription,
} from "../../../client/group/membership/consumer_protocol.ts";
import type { Client, TopicPartition } from "../../../client/mod.ts";
import { CONSUMER_PROTOCOL_TYPE } from "../../../protocol/consumer_protocol.ts";
import { consumerGroupHeartbeat } from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { joinGroup } from "../../../protocol/messages/groups/join_group.ts";
import { leaveGroup } from "../../../protocol/messages/groups/leave_group.ts";
import { syncGroup } from "../../../protocol/messages/groups/sync_group.ts";

const SESSION_MS = 30_000;
/** The last version that lets a member join with one request (KIP-394). */
const LAST_JOIN_WITHOUT_ID = 3;

/** Joins a group with the classic protocol as its only member, and assigns itself partitions. */
export async function joinClassic(
  client: Client,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<string> {
  const core = coreOf(client);
  const id = await coordinatorOf(client, groupId);
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const metadata = encodeSubscription({
    topics,
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  });
  const joined = await core.requestBroker(id, joinGroup, {
    groupId,
    memberId: "",
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: SESSION_MS,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocols: [{ name: "range", metadata }],
  }, { maxVersion: LAST_JOIN_WITHOUT_ID });
  const { memberId, generationId } = joined;
  await core.requestBroker(id, syncGroup, {
    groupId,
    memberId,
    generationId,
    assignments: [{ memberId, assignment: encodeAssignment(partitions) }],
  }, { maxVersion: 0 });
  return memberId;
}

/** Leaves a group of the classic protocol. */
export async function leaveClassic(
  client: Client,
  groupId: string,
  memberId: string,
): Promise<void> {
  const id = await coordinatorOf(client, groupId);
  await coreOf(client).requestBroker(id, leaveGroup, { groupId, memberId }, { maxVersion: 2 });
}

/** Joins a group with the KIP-848 protocol; the broker computes the assignment. */
export async function joinModern(
  client: Client,
  groupId: string,
  memberId: string,
  topics: readonly string[],
): Promise<void> {
  const id = await coordinatorOf(client, groupId);
  const answer = await coreOf(client).requestBroker(id, consumerGroupHeartbeat, {
    groupId,
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: SESSION_MS,
    subscribedTopicNames: topics,
    topicPartitions: [],
  });
  if (answer.errorCode !== 0) throw new Error(`Cannot join: ${answer.errorMessage}`);
}

/** The coordinator: with one broker it is always that one. */
async function coordinatorOf(client: Client, groupId: string): Promise<number> {
  // The first request for a coordinator creates the topic of committed offsets.
  await client.admin().listGroupOffsets(groupId);
  return (await client.discoverController()).id;
}
