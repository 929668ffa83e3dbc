/**
 * What Kafka's APIs check, written down apart from the declarations of this broker: from Kafka's table of
 * ACLs and its sources. Each row is a request and what it needs.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import * as messages from "../../../protocol/messages/mod.ts";
import { writeTxnMarkers } from "../../../protocol/messages/transactions/write_txn_markers.ts";
import { brokerHeartbeat } from "../../../protocol/messages/cluster/broker_heartbeat.ts";
import {
  AclOperation as O,
  AclResourceType as R,
} from "../../../protocol/messages/security/acl_types.ts";
import type { Api, RequestTo } from "../../../protocol/schema/schema.ts";
import { batchOf } from "../protocol/records.ts";

/** An operation on a type of resource. */
export type Grant = readonly [operation: number, resourceType: number];

/** Something that a request needs: one of the grants is sufficient. */
export interface Need {
  readonly errorCode: number;
  readonly grants: readonly Grant[];
}

/** The names that a request uses. */
export interface Names {
  readonly topic: string;
  readonly topicId: string;
  readonly group: string;
  readonly transactionalId: string;
}

/** What a request changes, and has to be made again. */
export type Made = "topic" | "group";

/** A request and what it needs. */
export interface AccessRow {
  readonly what: string;
  readonly api: Api;
  readonly version: number;
  readonly make: (names: Names) => RequestTo<Api>;
  /** In the order in which they are checked. */
  readonly needs: readonly Need[];
  /** Whether it deletes what has to be made again. */
  readonly deletes: readonly Made[];
  /** Whether ids are used, by which a resource either exists or not. */
  readonly isById: boolean;
}

interface Options {
  readonly deletes?: readonly Made[];
  readonly isById?: boolean;
}

function row<A extends Api>(
  api: A,
  version: number,
  make: (names: Names) => RequestTo<A>,
  needs: readonly Need[],
  { deletes = [], isById = false }: Options = {},
): AccessRow {
  const what = `${api.name} v${version}${isById ? " by id" : ""}`;
  return { what, api, version, make, needs, deletes, isById } as unknown as AccessRow;
}

const CLUSTER: number = R.cluster;
const [T, G, K, X] = [
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
];

function onTopic(operation: number, ...also: readonly Grant[]): Need {
  return { errorCode: T, grants: [[operation, R.topic], ...also] };
}

function onGroup(operation: number): Need {
  return { errorCode: G, grants: [[operation, R.group]] };
}

function onTransaction(operation: number): Need {
  return { errorCode: X, grants: [[operation, R.transactionalId]] };
}

function onCluster(operation: number, ...also: readonly Grant[]): Need {
  return { errorCode: K, grants: [[operation, CLUSTER], ...also] };
}

const timeoutMs = 5000;
const ID = "AAAAAAAAAAAAAAAAAAAAAQ";

function produceTo(
  { topic, topicId, transactionalId }: Names,
  producer: { producerId: number; isTransactional: boolean } | undefined,
): RequestTo<typeof messages.produce> {
  const records = batchOf(["x"], producer && { ...producer, producerEpoch: 0, baseSequence: 0 });
  const partitionData = [{ index: 0, records }];
  return {
    transactionalId: producer?.isTransactional ? transactionalId : null,
    acks: -1,
    timeoutMs,
    topicData: [{ name: topic, topicId, partitionData }],
  };
}

function fetchFrom(
  { topic, topicId }: Names,
  replicaId = -1,
): RequestTo<typeof messages.fetch> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  return { replicaId, maxWaitMs: 0, minBytes: 0, topics: [{ topic, topicId, partitions }] };
}

function configsOf(resourceType: number, resourceName: string) {
  return { resources: [{ resourceType, resourceName, configs: [] }] };
}

const TOPIC_CONFIGS = 2;
const BROKER_CONFIGS = 4;
const METRICS_CONFIGS = 16;
const GROUP_CONFIGS = 32;

const commitTopics = ({ topic, topicId }: Names) => [{
  name: topic,
  topicId,
  partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: null }],
}];

const txnOf = ({ transactionalId }: Names) => ({
  transactionalId,
  producerId: 7,
  producerEpoch: 0,
});

const joinOf = (groupId: string) => ({
  groupId,
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  memberId: "",
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: new Uint8Array(0) }],
});

const ANY_ACL = {
  resourceTypeFilter: R.user,
  resourceNameFilter: "nobody",
  principalFilter: null,
  hostFilter: null,
  operation: O.any,
  permissionType: 1,
};

/** A rule that is not created: its resource has no name. */
const INVALID_ACL = {
  resourceType: R.topic,
  resourceName: "",
  principal: "User:nobody",
  host: "*",
  operation: O.read,
  permissionType: 3,
};

/** Kafka's table. */
export const ACCESS_TABLE: readonly AccessRow[] = [
  row(messages.produce, 12, (names) => produceTo(names, undefined), [onTopic(O.write)]),
  row(messages.produce, 13, (names) => produceTo(names, undefined), [onTopic(O.write)], {
    isById: true,
  }),
  // IdempotentWrite is not checked where records are written.
  row(
    messages.produce,
    11,
    (names) => produceTo(names, { producerId: 9, isTransactional: false }),
    [onTopic(O.write)],
  ),
  row(
    messages.produce,
    10,
    (names) => produceTo(names, { producerId: 8, isTransactional: true }),
    [onTransaction(O.write), onTopic(O.write)],
  ),
  row(messages.fetch, 12, (names) => fetchFrom(names), [onTopic(O.read)]),
  row(messages.fetch, 13, (names) => fetchFrom(names), [onTopic(O.read)], { isById: true }),
  // A client that poses as a replica (CVE-2018-1288).
  row(messages.fetch, 11, (names) => fetchFrom(names, 1), [{
    errorCode: T,
    grants: [[O.clusterAction, CLUSTER]],
  }]),
  row(
    messages.listOffsets,
    10,
    ({ topic }) => ({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    [onTopic(O.describe)],
  ),
  row(
    messages.metadata,
    13,
    ({ topic }) => ({ topics: [{ name: topic }], allowAutoTopicCreation: false }),
    [onTopic(O.describe)],
  ),
  row(
    messages.metadata,
    12,
    ({ topicId }) => ({ topics: [{ name: null, topicId }], allowAutoTopicCreation: false }),
    [onTopic(O.describe)],
    { isById: true },
  ),
  row(messages.metadata, 10, ({ topic }) => ({ topics: [{ name: `${topic}-auto` }] }), [
    onTopic(O.describe),
    onTopic(O.create, [O.create, CLUSTER]),
  ], { deletes: ["topic"] }),
  row(
    messages.offsetCommit,
    8,
    (names) => ({ groupId: names.group, memberId: "", topics: commitTopics(names) }),
    [onGroup(O.read), onTopic(O.read)],
  ),
  row(
    messages.offsetCommit,
    10,
    (names) => ({ groupId: names.group, memberId: "", topics: commitTopics(names) }),
    [onGroup(O.read), onTopic(O.read)],
    { isById: true },
  ),
  row(
    messages.offsetFetch,
    7,
    ({ topic, group }) => ({ groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] }),
    [onGroup(O.describe), onTopic(O.describe)],
  ),
  row(
    messages.offsetFetch,
    9,
    ({ topic, group }) => ({
      groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] }],
    }),
    [onGroup(O.describe), onTopic(O.describe)],
  ),
  row(messages.findCoordinator, 3, ({ group }) => ({ key: group, keyType: 0 }), [
    onGroup(O.describe),
  ]),
  row(messages.findCoordinator, 4, ({ group }) => ({ coordinatorKeys: [group], keyType: 0 }), [
    onGroup(O.describe),
  ]),
  row(
    messages.findCoordinator,
    5,
    ({ transactionalId }) => ({ coordinatorKeys: [transactionalId], keyType: 1 }),
    [onTransaction(O.describe)],
  ),
  row(messages.joinGroup, 5, ({ group }) => joinOf(group), [onGroup(O.read)]),
  row(
    messages.heartbeat,
    4,
    ({ group }) => ({ groupId: group, generationId: 1, memberId: "m" }),
    [onGroup(O.read)],
  ),
  row(
    messages.leaveGroup,
    4,
    ({ group }) => ({ groupId: group, members: [{ memberId: "m" }] }),
    [onGroup(O.read)],
  ),
  row(
    messages.syncGroup,
    4,
    ({ group }) => ({ groupId: group, generationId: 1, memberId: "m" }),
    [onGroup(O.read)],
  ),
  row(messages.describeGroups, 5, ({ group }) => ({ groups: [group] }), [onGroup(O.describe)]),
  row(messages.listGroups, 4, () => ({}), []),
  row(messages.deleteGroups, 2, ({ group }) => ({ groupsNames: [group] }), [onGroup(O.delete)], {
    deletes: ["group"],
  }),
  row(
    messages.offsetDelete,
    0,
    ({ group, topic }) => ({
      groupId: group,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }],
    }),
    [onGroup(O.delete), onTopic(O.read)],
    { deletes: ["group"] },
  ),
  row(messages.apiVersions, 3, () => ({ clientSoftwareName: "t", clientSoftwareVersion: "1" }), []),
  row(
    messages.createTopics,
    7,
    ({ topic }) => ({
      topics: [{ name: `${topic}-new`, numPartitions: 1, replicationFactor: 1 }],
      timeoutMs,
      validateOnly: true,
    }),
    [
      onTopic(O.create, [O.create, CLUSTER]),
      onTopic(O.describeConfigs),
    ],
  ),
  row(messages.deleteTopics, 5, ({ topic }) => ({ topicNames: [topic], timeoutMs }), [
    onTopic(O.delete, [O.delete, CLUSTER]),
  ], { deletes: ["topic"] }),
  row(
    messages.deleteTopics,
    6,
    ({ topicId }) => ({ topics: [{ name: null, topicId }], timeoutMs }),
    [onTopic(O.delete, [O.delete, CLUSTER])],
    { deletes: ["topic"], isById: true },
  ),
  row(
    messages.deleteRecords,
    2,
    ({ topic }) => ({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: 0 }] }],
      timeoutMs,
    }),
    [onTopic(O.delete)],
  ),
  row(
    messages.initProducerId,
    4,
    ({ transactionalId }) => ({ transactionalId, transactionTimeoutMs: 1000 }),
    [onTransaction(O.write)],
  ),
  row(
    messages.initProducerId,
    3,
    () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
    [onCluster(O.idempotentWrite, [O.write, R.topic])],
  ),
  row(
    messages.offsetForLeaderEpoch,
    4,
    ({ topic }) => ({ topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
    [onTopic(O.describe, [O.clusterAction, CLUSTER])],
  ),
  row(
    messages.addPartitionsToTxn,
    3,
    ({ topic, transactionalId }) => ({
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: 7,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    }),
    [onTransaction(O.write), onTopic(O.write)],
  ),
  row(
    messages.addPartitionsToTxn,
    4,
    (names) => ({
      transactions: [{
        ...txnOf(names),
        verifyOnly: true,
        topics: [{ name: names.topic, partitions: [0] }],
      }],
    }),
    [onCluster(O.clusterAction)],
  ),
  row(
    messages.addOffsetsToTxn,
    3,
    (names) => ({ ...txnOf(names), groupId: names.group }),
    [onTransaction(O.write), onGroup(O.read)],
  ),
  row(messages.endTxn, 3, (names) => ({ ...txnOf(names), committed: true }), [
    onTransaction(O.write),
  ]),
  row(
    writeTxnMarkers,
    1,
    ({ topic }) => ({
      markers: [{
        producerId: 999,
        producerEpoch: 0,
        transactionResult: false,
        coordinatorEpoch: 0,
        topics: [{ name: topic, partitionIndexes: [0] }],
      }],
    }),
    [onCluster(O.clusterAction, [O.alter, CLUSTER])],
  ),
  row(
    messages.txnOffsetCommit,
    3,
    (names) => ({ ...txnOf(names), groupId: names.group, topics: commitTopics(names) }),
    [onTransaction(O.write), onGroup(O.read), onTopic(O.read)],
  ),
  row(messages.describeAcls, 3, () => ANY_ACL, [onCluster(O.describe)]),
  row(messages.createAcls, 3, () => ({ creations: [INVALID_ACL] }), [onCluster(O.alter)]),
  row(messages.deleteAcls, 3, () => ({ filters: [ANY_ACL] }), [onCluster(O.alter)]),
  ...[TOPIC_CONFIGS, GROUP_CONFIGS, BROKER_CONFIGS, METRICS_CONFIGS].flatMap((type) => {
    const nameOf = ({ topic, group }: Names) =>
      type === TOPIC_CONFIGS ? topic : type === BROKER_CONFIGS ? "1" : group;
    const need = (operation: number) =>
      type === TOPIC_CONFIGS
        ? onTopic(operation)
        : type === GROUP_CONFIGS
        ? onGroup(operation)
        : onCluster(operation);
    const rows = [
      row(
        messages.describeConfigs,
        4,
        (names) => ({
          resources: [{
            resourceType: type,
            resourceName: nameOf(names),
            configurationKeys: ["x"],
          }],
        }),
        [need(O.describeConfigs)],
      ),
      row(
        messages.incrementalAlterConfigs,
        1,
        (names) => ({ ...configsOf(type, nameOf(names)), validateOnly: true }),
        [need(O.alterConfigs)],
      ),
      row(
        messages.alterConfigs,
        2,
        (names) => ({ ...configsOf(type, nameOf(names)), validateOnly: true }),
        [need(O.alterConfigs)],
      ),
    ];
    return rows.map((of) => ({ ...of, what: `${of.what} of type ${type}` }));
  }),
  row(
    messages.alterReplicaLogDirs,
    1,
    ({ topic }) => ({ dirs: [{ path: "/nowhere", topics: [{ name: topic, partitions: [0] }] }] }),
    [onCluster(O.alter)],
  ),
  row(messages.describeLogDirs, 4, () => ({ topics: null }), [onCluster(O.describe)]),
  row(
    messages.createPartitions,
    3,
    ({ topic }) => ({
      topics: [{ name: topic, count: 3, assignments: null }],
      timeoutMs,
      validateOnly: true,
    }),
    [onTopic(O.alter)],
  ),
  row(messages.electLeaders, 2, () => ({ topicPartitions: [] }), [onCluster(O.alter)]),
  row(messages.alterPartitionReassignments, 0, () => ({ topics: [] }), [onCluster(O.alter)]),
  row(messages.listPartitionReassignments, 0, () => ({ topics: null }), [onCluster(O.describe)]),
  row(messages.describeClientQuotas, 1, () => ({ components: [], strict: false }), [
    onCluster(O.describeConfigs),
  ]),
  row(
    messages.alterClientQuotas,
    1,
    () => ({
      entries: [{
        entity: [{ entityType: "user", entityName: "nobody" }],
        ops: [{ key: "producer_byte_rate", value: 1, remove: true }],
      }],
      validateOnly: true,
    }),
    [onCluster(O.alterConfigs)],
  ),
  row(messages.describeUserScramCredentials, 0, () => ({ users: [{ name: "nobody" }] }), [
    onCluster(O.describe),
  ]),
  row(
    messages.alterUserScramCredentials,
    0,
    () => ({ deletions: [{ name: "nobody", mechanism: 1 }], upsertions: [] }),
    [onCluster(O.alter)],
  ),
  row(
    messages.describeQuorum,
    1,
    () => ({
      topics: [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }],
    }),
    [onCluster(O.describe)],
  ),
  row(
    messages.updateFeatures,
    1,
    () => ({ featureUpdates: [], validateOnly: true }),
    [onCluster(O.alter)],
  ),
  row(messages.describeCluster, 1, () => ({}), []),
  row(
    messages.describeProducers,
    0,
    ({ topic }) => ({ topics: [{ name: topic, partitionIndexes: [0] }] }),
    [onTopic(O.read)],
  ),
  row(messages.unregisterBroker, 0, () => ({ brokerId: 99 }), [onCluster(O.alter)]),
  row(
    messages.describeTransactions,
    0,
    ({ transactionalId }) => ({ transactionalIds: [transactionalId] }),
    [onTransaction(O.describe)],
  ),
  row(messages.listTransactions, 1, () => ({ stateFilters: [], producerIdFilters: [] }), []),
  row(
    messages.consumerGroupHeartbeat,
    0,
    ({ group, topic }) => ({
      groupId: group,
      memberId: ID,
      memberEpoch: 5,
      subscribedTopicNames: [topic],
      topicPartitions: [],
    }),
    [onGroup(O.read), onTopic(O.describe)],
  ),
  row(messages.consumerGroupDescribe, 0, ({ group }) => ({ groupIds: [group] }), [
    onGroup(O.describe),
  ]),
  row(messages.listConfigResources, 1, () => ({}), [onCluster(O.describeConfigs)]),
  row(messages.describeTopicPartitions, 0, ({ topic }) => ({ topics: [{ name: topic }] }), [
    onTopic(O.describe),
  ]),
  row(
    brokerHeartbeat,
    1,
    () => ({
      brokerId: 9,
      brokerEpoch: 1,
      currentMetadataOffset: 0,
      wantFence: false,
      wantShutDown: false,
    }),
    [onCluster(O.clusterAction)],
  ),
];

/** The names with that of the resource that an error is about replaced by one of nothing, as long as it. */
export function absent(names: Names, errorCode: number): Names {
  const other = (name: string) => name.replace("real", "none");
  const { topic, group, transactionalId } = names;
  switch (errorCode) {
    case T:
      return { ...names, topic: other(topic), topicId: ID };
    case G:
      return { ...names, group: other(group) };
    case X:
      return { ...names, transactionalId: other(transactionalId) };
    default:
      return names;
  }
}
