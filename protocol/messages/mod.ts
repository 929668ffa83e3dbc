/**
 * The declarations of Kafka's APIs, one file each: the request, the response and the history of
 * their versions. They are grouped by subject, as the handlers of the broker are.
 *
 * - `records/`: Produce, Fetch, offsets and the deletion of records
 * - `topics/`: topics and partitions
 * - `groups/`: groups and committed offsets
 * - `transactions/`: idempotent and transactional producers
 * - `configs/`: settings
 * - `cluster/`: brokers, versions, log directories, features, the metadata quorum
 * - `security/`: SASL, credentials, tokens, ACLs and quotas
 *
 * API keys are Kafka's, and so are names, in camelCase. A handler receives the decoded request
 * (`ProduceRequest`) and returns the response to encode (`ProduceResponse`); `codec()` converts
 * both for one version. The broker decides which of these versions it supports.
 *
 * @module
 */

import type { Api } from "../schema/schema.ts";
import {
  addRaftVoter,
  alterReplicaLogDirs,
  apiVersions,
  brokerHeartbeat,
  describeCluster,
  describeLogDirs,
  describeQuorum,
  envelope,
  getTelemetrySubscriptions,
  pushTelemetry,
  removeRaftVoter,
  unregisterBroker,
  updateFeatures,
} from "./cluster/mod.ts";
import {
  alterConfigs,
  describeConfigs,
  incrementalAlterConfigs,
  listConfigResources,
} from "./configs/mod.ts";
import {
  alterShareGroupOffsets,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  deleteGroups,
  deleteShareGroupOffsets,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  shareAcknowledge,
  shareGroupHeartbeat,
  streamsGroupHeartbeat,
  syncGroup,
} from "./groups/mod.ts";
import { deleteRecords, fetch, listOffsets, offsetForLeaderEpoch, produce } from "./records/mod.ts";
import {
  alterClientQuotas,
  alterUserScramCredentials,
  createAcls,
  createDelegationToken,
  deleteAcls,
  describeAcls,
  describeClientQuotas,
  describeDelegationToken,
  describeUserScramCredentials,
  expireDelegationToken,
  renewDelegationToken,
  saslAuthenticate,
  saslHandshake,
} from "./security/mod.ts";
import {
  alterPartitionReassignments,
  createPartitions,
  createTopics,
  deleteTopics,
  describeTopicPartitions,
  electLeaders,
  listPartitionReassignments,
  metadata,
} from "./topics/mod.ts";
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  initProducerId,
  listTransactions,
  txnOffsetCommit,
  writeTxnMarkers,
} from "./transactions/mod.ts";

export * from "./records/mod.ts";
export * from "./topics/mod.ts";
export * from "./groups/mod.ts";
export * from "./transactions/mod.ts";
export * from "./configs/mod.ts";
export * from "./cluster/mod.ts";
export * from "./security/mod.ts";

/** All APIs, in the order of their keys. */
export const APIS: readonly Api[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  writeTxnMarkers,
  txnOffsetCommit,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  alterReplicaLogDirs,
  describeLogDirs,
  saslAuthenticate,
  createPartitions,
  createDelegationToken,
  renewDelegationToken,
  expireDelegationToken,
  describeDelegationToken,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  alterPartitionReassignments,
  listPartitionReassignments,
  offsetDelete,
  describeClientQuotas,
  alterClientQuotas,
  describeUserScramCredentials,
  alterUserScramCredentials,
  describeQuorum,
  updateFeatures,
  envelope,
  describeCluster,
  describeProducers,
  brokerHeartbeat,
  unregisterBroker,
  describeTransactions,
  listTransactions,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
  getTelemetrySubscriptions,
  pushTelemetry,
  listConfigResources,
  describeTopicPartitions,
  shareGroupHeartbeat,
  shareAcknowledge,
  addRaftVoter,
  removeRaftVoter,
  streamsGroupHeartbeat,
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
];

/** A plain array, because every request looks up its API here. */
const BY_KEY: (Api | undefined)[] = new Array(128).fill(undefined);
for (const api of APIS) BY_KEY[api.key] = api;

/** Returns the API with `key`, or `undefined` if it is not declared. */
export function apiByKey(key: number): Api | undefined {
  return BY_KEY[key];
}
