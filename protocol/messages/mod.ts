/**
 * The declarations of Kafka's APIs, one file each: the request, the response and the history of
 * their versions.
 *
 * API keys are Kafka's, and so are names, in camelCase. A handler receives the decoded request
 * (`ProduceRequest`) and returns the response to encode (`ProduceResponse`); `codec()` converts
 * both for one version. The broker decides which of these versions it supports.
 *
 * @module
 */

import type { Api } from "../schema.ts";
import { produce } from "./produce.ts";
import { fetch } from "./fetch.ts";
import { listOffsets } from "./list_offsets.ts";
import { metadata } from "./metadata.ts";
import { offsetCommit } from "./offset_commit.ts";
import { offsetFetch } from "./offset_fetch.ts";
import { findCoordinator } from "./find_coordinator.ts";
import { joinGroup } from "./join_group.ts";
import { heartbeat } from "./heartbeat.ts";
import { leaveGroup } from "./leave_group.ts";
import { syncGroup } from "./sync_group.ts";
import { describeGroups } from "./describe_groups.ts";
import { listGroups } from "./list_groups.ts";
import { saslHandshake } from "./sasl_handshake.ts";
import { apiVersions } from "./api_versions.ts";
import { createTopics } from "./create_topics.ts";
import { deleteTopics } from "./delete_topics.ts";
import { deleteRecords } from "./delete_records.ts";
import { initProducerId } from "./init_producer_id.ts";
import { offsetForLeaderEpoch } from "./offset_for_leader_epoch.ts";
import { addPartitionsToTxn } from "./add_partitions_to_txn.ts";
import { addOffsetsToTxn } from "./add_offsets_to_txn.ts";
import { endTxn } from "./end_txn.ts";
import { writeTxnMarkers } from "./write_txn_markers.ts";
import { txnOffsetCommit } from "./txn_offset_commit.ts";
import { describeAcls } from "./describe_acls.ts";
import { createAcls } from "./create_acls.ts";
import { deleteAcls } from "./delete_acls.ts";
import { describeConfigs } from "./describe_configs.ts";
import { alterConfigs } from "./alter_configs.ts";
import { alterReplicaLogDirs } from "./alter_replica_log_dirs.ts";
import { describeLogDirs } from "./describe_log_dirs.ts";
import { saslAuthenticate } from "./sasl_authenticate.ts";
import { createPartitions } from "./create_partitions.ts";
import { createDelegationToken } from "./create_delegation_token.ts";
import { renewDelegationToken } from "./renew_delegation_token.ts";
import { expireDelegationToken } from "./expire_delegation_token.ts";
import { describeDelegationToken } from "./describe_delegation_token.ts";
import { deleteGroups } from "./delete_groups.ts";
import { electLeaders } from "./elect_leaders.ts";
import { incrementalAlterConfigs } from "./incremental_alter_configs.ts";
import { alterPartitionReassignments } from "./alter_partition_reassignments.ts";
import { listPartitionReassignments } from "./list_partition_reassignments.ts";
import { offsetDelete } from "./offset_delete.ts";
import { describeClientQuotas } from "./describe_client_quotas.ts";
import { alterClientQuotas } from "./alter_client_quotas.ts";
import { describeUserScramCredentials } from "./describe_user_scram_credentials.ts";
import { alterUserScramCredentials } from "./alter_user_scram_credentials.ts";
import { describeQuorum } from "./describe_quorum.ts";
import { updateFeatures } from "./update_features.ts";
import { describeCluster } from "./describe_cluster.ts";
import { describeProducers } from "./describe_producers.ts";
import { unregisterBroker } from "./unregister_broker.ts";
import { describeTransactions } from "./describe_transactions.ts";
import { listTransactions } from "./list_transactions.ts";
import { consumerGroupHeartbeat } from "./consumer_group_heartbeat.ts";
import { consumerGroupDescribe } from "./consumer_group_describe.ts";
import { getTelemetrySubscriptions } from "./get_telemetry_subscriptions.ts";
import { pushTelemetry } from "./push_telemetry.ts";
import { listConfigResources } from "./list_config_resources.ts";
import { describeTopicPartitions } from "./describe_topic_partitions.ts";
import { shareGroupHeartbeat } from "./share_group_heartbeat.ts";
import { shareAcknowledge } from "./share_acknowledge.ts";
import { addRaftVoter } from "./add_raft_voter.ts";
import { removeRaftVoter } from "./remove_raft_voter.ts";
import { streamsGroupHeartbeat } from "./streams_group_heartbeat.ts";
import { alterShareGroupOffsets } from "./alter_share_group_offsets.ts";
import { deleteShareGroupOffsets } from "./delete_share_group_offsets.ts";

export * from "./produce.ts";
export * from "./fetch.ts";
export * from "./list_offsets.ts";
export * from "./metadata.ts";
export * from "./offset_commit.ts";
export * from "./offset_fetch.ts";
export * from "./find_coordinator.ts";
export * from "./join_group.ts";
export * from "./heartbeat.ts";
export * from "./leave_group.ts";
export * from "./sync_group.ts";
export * from "./describe_groups.ts";
export * from "./list_groups.ts";
export * from "./sasl_handshake.ts";
export * from "./api_versions.ts";
export * from "./create_topics.ts";
export * from "./delete_topics.ts";
export * from "./delete_records.ts";
export * from "./init_producer_id.ts";
export * from "./offset_for_leader_epoch.ts";
export * from "./add_partitions_to_txn.ts";
export * from "./add_offsets_to_txn.ts";
export * from "./end_txn.ts";
export * from "./write_txn_markers.ts";
export * from "./txn_offset_commit.ts";
export * from "./describe_acls.ts";
export * from "./create_acls.ts";
export * from "./delete_acls.ts";
export * from "./describe_configs.ts";
export * from "./alter_configs.ts";
export * from "./alter_replica_log_dirs.ts";
export * from "./describe_log_dirs.ts";
export * from "./sasl_authenticate.ts";
export * from "./create_partitions.ts";
export * from "./create_delegation_token.ts";
export * from "./renew_delegation_token.ts";
export * from "./expire_delegation_token.ts";
export * from "./describe_delegation_token.ts";
export * from "./delete_groups.ts";
export * from "./elect_leaders.ts";
export * from "./incremental_alter_configs.ts";
export * from "./alter_partition_reassignments.ts";
export * from "./list_partition_reassignments.ts";
export * from "./offset_delete.ts";
export * from "./describe_client_quotas.ts";
export * from "./alter_client_quotas.ts";
export * from "./describe_user_scram_credentials.ts";
export * from "./alter_user_scram_credentials.ts";
export * from "./describe_quorum.ts";
export * from "./update_features.ts";
export * from "./describe_cluster.ts";
export * from "./describe_producers.ts";
export * from "./unregister_broker.ts";
export * from "./describe_transactions.ts";
export * from "./list_transactions.ts";
export * from "./consumer_group_heartbeat.ts";
export * from "./consumer_group_describe.ts";
export * from "./get_telemetry_subscriptions.ts";
export * from "./push_telemetry.ts";
export * from "./list_config_resources.ts";
export * from "./describe_topic_partitions.ts";
export * from "./share_group_heartbeat.ts";
export * from "./share_acknowledge.ts";
export * from "./add_raft_voter.ts";
export * from "./remove_raft_voter.ts";
export * from "./streams_group_heartbeat.ts";
export * from "./alter_share_group_offsets.ts";
export * from "./delete_share_group_offsets.ts";

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
  describeCluster,
  describeProducers,
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
