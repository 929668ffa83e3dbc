/**
 * Valid and invalid requests of every API, for each of its versions.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import * as messages from "../../../protocol/messages/mod.ts";
import type { Api, RequestTo } from "../../../protocol/schema/schema.ts";
import { randomUuid } from "../../../protocol/primitives/uuid.ts";
import type { RawConnection } from "./raw_connection.ts";
import { batchOf } from "./records.ts";
import { createTopic } from "./requests.ts";
import { METADATA_VARIABLE } from "../broker/local_broker.ts";

/** The topics and groups that requests refer to. */
export class World {
  #count = 0;

  /** @param topicId the id of the topic `t`, which has one record in its one partition. */
  constructor(readonly connection: RawConnection, readonly topicId: string) {}

  /** Returns a new name. */
  name(): string {
    return `name-${++this.#count}`;
  }

  /** Creates a topic with a new name. */
  async topic(): Promise<{ name: string; topicId: string }> {
    const name = this.name();
    return { name, topicId: await createTopic(this.connection, name) };
  }

  /** Creates a stable classic group with one member. */
  async group(): Promise<{ groupId: string; memberId: string; generationId: number }> {
    const groupId = this.name();
    const request = joinRequest(groupId, "");
    let joined = await this.connection.request(messages.joinGroup, 4, request);
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      const again = joinRequest(groupId, joined.memberId);
      joined = await this.connection.request(messages.joinGroup, 4, again);
    }
    assertEquals(joined.errorCode, ErrorCode.NONE);
    const { memberId, generationId } = joined;
    const { errorCode } = await this.connection.request(messages.syncGroup, 3, {
      groupId,
      generationId,
      memberId,
      assignments: [{ memberId, assignment: new Uint8Array(0) }],
    });
    assertEquals(errorCode, ErrorCode.NONE);
    return { groupId, memberId, generationId };
  }

  /** Creates a KIP-848 group with one member. */
  async consumerGroup(): Promise<string> {
    const groupId = this.name();
    const request = heartbeatOf(groupId, 0);
    const joined = await this.connection.request(messages.consumerGroupHeartbeat, 1, request);
    assertEquals(joined.errorCode, ErrorCode.NONE);
    return groupId;
  }
}

function joinRequest(groupId: string, memberId: string) {
  return {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array(0) }],
  };
}

/** Makes a request of one version. */
export type Make<A extends Api> = (
  version: number,
  world: World,
) => RequestTo<A> | Promise<RequestTo<A>>;

/** Requests of one API. */
export interface Exchange {
  readonly api: Api;
  /** Makes one that must be answered without any error. */
  readonly good: Make<Api>;
  /** Makes one that must be answered with errors; undefined if no request is invalid. */
  readonly bad: Make<Api> | undefined;
  /** The first version in which a request can be invalid. */
  readonly firstBad: number;
  /** Errors that are allowed in answers to valid requests. */
  readonly expected: readonly number[];
}

function exchange<A extends Api>(
  api: A,
  good: Make<A>,
  bad?: Make<A>,
  { firstBad = 0, expected = [] }: Partial<Exchange> = {},
): Exchange {
  return { api, good, bad, firstBad, expected } as unknown as Exchange;
}

/** Makes the exchange of an API that answers every request with one error. */
function refused<A extends Api>(api: A, errorCode: number, make: Make<A>): Exchange {
  return exchange(api, make, undefined, { expected: [errorCode] });
}

const TOPIC = 2;
const UNKNOWN_ID = randomUuid();
const timeoutMs = 10_000;
const timestamp = -1;
const partitionMaxBytes = 1000;

function produceTo(name: string, topicId: string, acks = -1): RequestTo<typeof messages.produce> {
  const partitionData = [{ index: 0, records: batchOf(["x"]) }];
  return { acks, timeoutMs, topicData: [{ name, topicId, partitionData }] };
}

function fetchOf(topic: string, topicId: string, fetchOffset: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes }];
  return { maxWaitMs: 0, minBytes: 1, topics: [{ topic, topicId, partitions }] };
}

function commitOf(
  { groupId, memberId, generationId }: Awaited<ReturnType<World["group"]>>,
  topicId: string,
): RequestTo<typeof messages.offsetCommit> {
  const partitions = [{ partitionIndex: 0, committedOffset: 1 }];
  const topics = [{ name: "t", topicId, partitions }];
  return { groupId, memberId, generationIdOrMemberEpoch: generationId, topics };
}

function offsetFetchOf(
  version: number,
  groupId: string,
  topicId: string,
  memberId: string | null = null,
): RequestTo<typeof messages.offsetFetch> {
  const partitionIndexes = [0];
  if (version < 8) return { groupId, topics: [{ name: "t", partitionIndexes }] };
  const topics = [{ name: "t", topicId, partitionIndexes }];
  return { groups: [{ groupId, topics, memberId, memberEpoch: memberId === null ? -1 : 1 }] };
}

function heartbeatOf(
  groupId: string,
  memberEpoch: number,
): RequestTo<typeof messages.consumerGroupHeartbeat> {
  return {
    groupId,
    memberId: randomUuid(),
    memberEpoch,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ["t"],
    topicPartitions: [],
  };
}

const authBytes = new Uint8Array([1, 2, 3]);
const TRANSACTION = { transactionalId: "x", producerId: 1, producerEpoch: 0 };
/** A marker of a producer that never wrote. */
const MARKER = {
  producerId: 999,
  producerEpoch: 0,
  transactionResult: false,
  coordinatorEpoch: 0,
};
const OFFSET = { partitionIndex: 0, committedOffset: 1, committedMetadata: null };
const ACL = {
  resourceType: TOPIC,
  resourceName: "t",
  principal: "User:a",
  host: "*",
  operation: 3,
  permissionType: 3,
};
const ANY_ACL = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};

function quotaOf(key: string, value: number): RequestTo<typeof messages.alterClientQuotas> {
  const entity = [{ entityType: "user", entityName: "somebody" }];
  return { entries: [{ entity, ops: [{ key, value, remove: false }] }], validateOnly: false };
}

function reassignmentOf(
  replicas: number[],
): RequestTo<typeof messages.alterPartitionReassignments> {
  return { topics: [{ name: "t", partitions: [{ partitionIndex: 0, replicas }] }] };
}

function quorumOf(topicName: string): RequestTo<typeof messages.describeQuorum> {
  return { topics: [{ topicName, partitions: [{ partitionIndex: 0 }] }] };
}

function isMetadataInEtcd(): boolean {
  return Deno.env.get(METADATA_VARIABLE) !== undefined;
}

/** All exchanges, one for each API. */
export const EXCHANGES: readonly Exchange[] = [
  exchange(
    messages.produce,
    (_, { topicId }) => produceTo("t", topicId),
    () => produceTo("unknown", UNKNOWN_ID),
  ),
  exchange(
    messages.fetch,
    (_, { topicId }) => fetchOf("t", topicId, 0),
    (_, { topicId }) => fetchOf("t", topicId, 1_000_000),
  ),
  exchange(
    messages.listOffsets,
    () => ({ topics: [{ name: "t", partitions: [{ partitionIndex: 0, timestamp }] }] }),
    () => ({ topics: [{ name: "t", partitions: [{ partitionIndex: 9, timestamp }] }] }),
  ),
  exchange(
    messages.metadata,
    () => ({ topics: [{ name: "t" }] }),
    () => ({ topics: [{ name: "no spaces" }] }),
  ),
  exchange(
    messages.offsetCommit,
    async (_, world) => commitOf(await world.group(), world.topicId),
    (_, { topicId }) =>
      commitOf({ groupId: "unknown", memberId: "nobody", generationId: 7 }, topicId),
  ),
  exchange(
    messages.offsetFetch,
    (version, { topicId }) => offsetFetchOf(version, "g", topicId),
    async (version, world) =>
      offsetFetchOf(version, await world.consumerGroup(), world.topicId, "nobody"),
    { firstBad: 9 },
  ),
  exchange(
    messages.findCoordinator,
    (version) => version < 4 ? { key: "g" } : { coordinatorKeys: ["g", "h"] },
    (version) =>
      version < 4 ? { key: "g", keyType: 9 } : { coordinatorKeys: ["g", "h"], keyType: 9 },
    { firstBad: 1 },
  ),
  exchange(
    messages.joinGroup,
    (_, world) => joinRequest(world.name(), ""),
    (_, world) => ({ ...joinRequest(world.name(), ""), sessionTimeoutMs: 1 }),
    { expected: [ErrorCode.MEMBER_ID_REQUIRED] },
  ),
  exchange(
    messages.heartbeat,
    (_, world) => world.group(),
    (_, world) => ({ groupId: world.name(), memberId: "nobody", generationId: 1 }),
  ),
  exchange(
    messages.leaveGroup,
    async (version, world) => {
      const { groupId, memberId } = await world.group();
      return version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId }] };
    },
    async (version, world) => {
      const { groupId } = await world.group();
      const memberId = "nobody";
      return version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId }] };
    },
  ),
  exchange(
    messages.syncGroup,
    async (_, world) => ({
      ...await world.group(),
      protocolType: "consumer",
      protocolName: "range",
    }),
    (_, world) => ({ groupId: world.name(), memberId: "nobody", generationId: 1 }),
  ),
  exchange(
    messages.describeGroups,
    async (_, world) => ({ groups: [(await world.group()).groupId] }),
    () => ({ groups: ["unknown"] }),
    { firstBad: 6 },
  ),
  exchange(
    messages.listGroups,
    async (_, world) => {
      await world.group();
      return {};
    },
  ),
  exchange(
    messages.deleteGroups,
    async (_, world) => {
      const { groupId, memberId } = await world.group();
      await world.connection.request(messages.leaveGroup, 3, { groupId, members: [{ memberId }] });
      return { groupsNames: [groupId] };
    },
    async (_, world) => ({ groupsNames: [(await world.group()).groupId, "unknown"] }),
  ),
  exchange(
    messages.offsetDelete,
    async (_, world) => {
      const outsider = { groupId: world.name(), memberId: "", generationId: -1 };
      const commit = commitOf(outsider, world.topicId);
      await world.connection.request(messages.offsetCommit, 7, commit);
      return { ...outsider, topics: [{ name: "t", partitions: [{ partitionIndex: 0 }] }] };
    },
    () => ({ groupId: "unknown", topics: [] }),
  ),
  exchange(
    messages.apiVersions,
    (version) => version < 3 ? {} : { clientSoftwareName: "test", clientSoftwareVersion: "1.0" },
  ),
  exchange(
    messages.createTopics,
    (_, world) => ({
      topics: [{ name: world.name(), numPartitions: 2, replicationFactor: 1 }],
      timeoutMs,
    }),
    () => ({ topics: [{ name: "t", numPartitions: 1, replicationFactor: 1 }], timeoutMs }),
  ),
  exchange(
    messages.deleteTopics,
    async (version, world) => {
      const { name, topicId } = await world.topic();
      return version < 6
        ? { topicNames: [name], timeoutMs }
        : { topics: [{ name: null, topicId }], timeoutMs };
    },
    (version) =>
      version < 6
        ? { topicNames: ["unknown"], timeoutMs }
        : { topics: [{ name: null, topicId: UNKNOWN_ID }], timeoutMs },
  ),
  exchange(
    messages.deleteRecords,
    () => ({ topics: [{ name: "t", partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs }),
    () => ({ topics: [{ name: "t", partitions: [{ partitionIndex: 9, offset: 0 }] }], timeoutMs }),
  ),
  exchange(
    messages.initProducerId,
    () => ({ transactionalId: null, transactionTimeoutMs: 0 }),
    () => ({ transactionalId: "", transactionTimeoutMs: 0 }),
  ),
  exchange(
    messages.offsetForLeaderEpoch,
    () => ({ topics: [{ topic: "t", partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
    () => ({ topics: [{ topic: "t", partitions: [{ partition: 9, leaderEpoch: 0 }] }] }),
  ),
  exchange(
    messages.describeConfigs,
    () => ({ resources: [{ resourceType: TOPIC, resourceName: "t" }], includeSynonyms: true }),
    () => ({ resources: [{ resourceType: TOPIC, resourceName: "unknown" }] }),
  ),
  exchange(
    messages.alterConfigs,
    () => ({ resources: [{ resourceType: TOPIC, resourceName: "t", configs: [] }] }),
    () => ({ resources: [{ resourceType: TOPIC, resourceName: "unknown", configs: [] }] }),
  ),
  exchange(
    messages.describeLogDirs,
    () => ({ topics: null }),
  ),
  exchange(
    messages.createPartitions,
    async (_, world) => {
      const { name } = await world.topic();
      return { topics: [{ name, count: 3, assignments: null }], timeoutMs, validateOnly: false };
    },
    () => ({
      topics: [{ name: "unknown", count: 3, assignments: null }],
      timeoutMs,
      validateOnly: false,
    }),
  ),
  exchange(
    messages.incrementalAlterConfigs,
    () => ({ resources: [{ resourceType: TOPIC, resourceName: "t", configs: [] }] }),
    () => ({ resources: [{ resourceType: TOPIC, resourceName: "unknown", configs: [] }] }),
  ),
  exchange(
    messages.describeCluster,
    () => ({}),
    () => ({ endpointType: 2 }),
    { firstBad: 1 },
  ),
  exchange(
    messages.consumerGroupHeartbeat,
    (_, world) => heartbeatOf(world.name(), 0),
    (_, world) => heartbeatOf(world.name(), 5),
  ),
  exchange(
    messages.consumerGroupDescribe,
    async (_, world) => ({ groupIds: [await world.consumerGroup()] }),
    () => ({ groupIds: ["unknown"] }),
  ),
  exchange(
    messages.describeTopicPartitions,
    () => ({ topics: [{ name: "t" }] }),
    () => ({ topics: [{ name: "unknown" }] }),
  ),
  refused(messages.saslHandshake, ErrorCode.ILLEGAL_SASL_STATE, () => ({ mechanism: "PLAIN" })),
  refused(messages.saslAuthenticate, ErrorCode.ILLEGAL_SASL_STATE, () => ({ authBytes })),
  exchange(messages.describeAcls, () => ANY_ACL, () => ({ ...ANY_ACL, operation: 99 })),
  // One that is kept would close the cluster.
  refused(
    messages.createAcls,
    ErrorCode.INVALID_REQUEST,
    () => ({ creations: [{ ...ACL, operation: 1 }] }),
  ),
  exchange(
    messages.deleteAcls,
    () => ({ filters: [ANY_ACL] }),
    () => ({ filters: [{ ...ANY_ACL, operation: 99 }] }),
  ),
  refused(
    messages.createDelegationToken,
    ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    () => ({ renewers: [], maxLifetimeMs: -1 }),
  ),
  refused(
    messages.renewDelegationToken,
    ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    () => ({ hmac: authBytes, renewPeriodMs: -1 }),
  ),
  refused(
    messages.expireDelegationToken,
    ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    () => ({ hmac: authBytes, expiryTimePeriodMs: -1 }),
  ),
  refused(
    messages.describeDelegationToken,
    ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    () => ({ owners: null }),
  ),
  refused(
    messages.addPartitionsToTxn,
    ErrorCode.NOT_COORDINATOR,
    (version) => {
      const topics = [{ name: "t", partitions: [0] }];
      return version < 4
        ? { v3AndBelowTransactionalId: "x", v3AndBelowTopics: topics }
        : { transactions: [{ ...TRANSACTION, topics }] };
    },
  ),
  refused(
    messages.addOffsetsToTxn,
    ErrorCode.NOT_COORDINATOR,
    () => ({ ...TRANSACTION, groupId: "g" }),
  ),
  refused(
    messages.endTxn,
    ErrorCode.NOT_COORDINATOR,
    () => ({ ...TRANSACTION, committed: true }),
  ),
  refused(
    messages.txnOffsetCommit,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    () => ({ ...TRANSACTION, groupId: "g", topics: [{ name: "t", partitions: [OFFSET] }] }),
  ),
  exchange(
    messages.writeTxnMarkers,
    () => ({ markers: [{ ...MARKER, topics: [{ name: "t", partitionIndexes: [0] }] }] }),
    () => ({ markers: [{ ...MARKER, topics: [{ name: "t", partitionIndexes: [9] }] }] }),
  ),
  exchange(
    messages.alterReplicaLogDirs,
    () => ({ dirs: [] }),
    () => ({ dirs: [{ path: "/nowhere", topics: [{ name: "t", partitions: [0] }] }] }),
  ),
  exchange(
    messages.describeTransactions,
    () => ({ transactionalIds: [] }),
    () => ({ transactionalIds: ["unknown"] }),
  ),
  exchange(
    messages.listTransactions,
    () => ({ stateFilters: ["Ongoing", "Sleeping"], producerIdFilters: [1] }),
    () => ({ stateFilters: [], producerIdFilters: [], transactionalIdPattern: "(" }),
    { firstBad: 2 },
  ),
  exchange(
    messages.describeProducers,
    () => ({ topics: [{ name: "t", partitionIndexes: [0] }] }),
    () => ({ topics: [{ name: "t", partitionIndexes: [9] }] }),
  ),
  exchange(
    messages.describeUserScramCredentials,
    () => ({ users: null }),
    () => ({ users: [{ name: "nobody" }] }),
  ),
  exchange(
    messages.alterUserScramCredentials,
    () => ({ deletions: [], upsertions: [] }),
    () => ({ deletions: [{ name: "nobody", mechanism: 1 }], upsertions: [] }),
  ),
  exchange(
    messages.describeClientQuotas,
    () => ({ components: [{ entityType: "user", matchType: 2, match: null }], strict: false }),
    () => ({ components: [{ entityType: "", matchType: 2, match: null }], strict: false }),
  ),
  exchange(
    messages.alterClientQuotas,
    () => quotaOf("producer_byte_rate", 2 ** 50),
    () => quotaOf("producer_byte_rate", 0),
  ),
  exchange(
    messages.electLeaders,
    () => ({ topicPartitions: null }),
    () => ({ topicPartitions: [{ topic: "t", partitions: [0] }] }),
  ),
  exchange(
    messages.alterPartitionReassignments,
    () => reassignmentOf([1]),
    () => reassignmentOf([99]),
  ),
  exchange(messages.listPartitionReassignments, () => ({ topics: null })),
  // There is no log of metadata that is in etcd.
  isMetadataInEtcd()
    ? refused(
      messages.describeQuorum,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      () => quorumOf("__cluster_metadata"),
    )
    : exchange(
      messages.describeQuorum,
      () => quorumOf("__cluster_metadata"),
      () => quorumOf("t"),
    ),
  exchange(
    messages.updateFeatures,
    () => ({ featureUpdates: [{ feature: "group.version", maxVersionLevel: 1 }] }),
    () => ({ featureUpdates: [{ feature: "unknown", maxVersionLevel: 1 }] }),
  ),
  refused(
    messages.unregisterBroker,
    ErrorCode.BROKER_ID_NOT_REGISTERED,
    () => ({ brokerId: 9 }),
  ),
  exchange(
    messages.listConfigResources,
    () => ({}),
    () => ({ resourceTypes: [99] }),
    { firstBad: 1 },
  ),
];
