/**
 * Every API that this broker serves, one file each; closely related APIs share one.
 *
 * A file's header lists the supported versions, the behaviour, and the KIPs of each version.
 *
 * @module
 */

import { APIS } from "../../protocol/messages/mod.ts";
import {
  type AlterConfigsRequest,
  ConfigResourceType,
  type IncrementalAlterConfigsRequest,
} from "../../protocol/messages/configs/mod.ts";
import type { ApiHandler } from "../handler.ts";
import { alterReplicaLogDirs } from "../../protocol/messages/cluster/alter_replica_log_dirs.ts";
import { describeLogDirs } from "../../protocol/messages/cluster/describe_log_dirs.ts";
import { describeQuorum } from "../../protocol/messages/cluster/describe_quorum.ts";
import { getTelemetrySubscriptions } from "../../protocol/messages/cluster/get_telemetry_subscriptions.ts";
import { pushTelemetry } from "../../protocol/messages/cluster/push_telemetry.ts";
import { unregisterBroker } from "../../protocol/messages/cluster/unregister_broker.ts";
import { updateFeatures } from "../../protocol/messages/cluster/update_features.ts";
import { alterConfigs } from "../../protocol/messages/configs/alter_configs.ts";
import { describeConfigs } from "../../protocol/messages/configs/describe_configs.ts";
import { incrementalAlterConfigs } from "../../protocol/messages/configs/incremental_alter_configs.ts";
import { listConfigResources } from "../../protocol/messages/configs/list_config_resources.ts";
import { consumerGroupDescribe } from "../../protocol/messages/groups/consumer_group_describe.ts";
import { consumerGroupHeartbeat } from "../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { deleteGroups } from "../../protocol/messages/groups/delete_groups.ts";
import { describeGroups } from "../../protocol/messages/groups/describe_groups.ts";
import { heartbeat } from "../../protocol/messages/groups/heartbeat.ts";
import { joinGroup } from "../../protocol/messages/groups/join_group.ts";
import { leaveGroup } from "../../protocol/messages/groups/leave_group.ts";
import { listGroups } from "../../protocol/messages/groups/list_groups.ts";
import { offsetCommit } from "../../protocol/messages/groups/offset_commit.ts";
import { offsetDelete } from "../../protocol/messages/groups/offset_delete.ts";
import { offsetFetch } from "../../protocol/messages/groups/offset_fetch.ts";
import { syncGroup } from "../../protocol/messages/groups/sync_group.ts";
import { deleteRecords } from "../../protocol/messages/records/delete_records.ts";
import { alterClientQuotas } from "../../protocol/messages/security/alter_client_quotas.ts";
import { alterUserScramCredentials } from "../../protocol/messages/security/alter_user_scram_credentials.ts";
import { createAcls } from "../../protocol/messages/security/create_acls.ts";
import { createDelegationToken } from "../../protocol/messages/security/create_delegation_token.ts";
import { deleteAcls } from "../../protocol/messages/security/delete_acls.ts";
import { describeAcls } from "../../protocol/messages/security/describe_acls.ts";
import { describeClientQuotas } from "../../protocol/messages/security/describe_client_quotas.ts";
import { describeDelegationToken } from "../../protocol/messages/security/describe_delegation_token.ts";
import { describeUserScramCredentials } from "../../protocol/messages/security/describe_user_scram_credentials.ts";
import { expireDelegationToken } from "../../protocol/messages/security/expire_delegation_token.ts";
import { renewDelegationToken } from "../../protocol/messages/security/renew_delegation_token.ts";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import { describeTopicPartitions } from "../../protocol/messages/topics/describe_topic_partitions.ts";
import { alterPartitionReassignments } from "../../protocol/messages/topics/alter_partition_reassignments.ts";
import { electLeaders } from "../../protocol/messages/topics/elect_leaders.ts";
import { listPartitionReassignments } from "../../protocol/messages/topics/list_partition_reassignments.ts";
import { addOffsetsToTxn } from "../../protocol/messages/transactions/add_offsets_to_txn.ts";
import { addPartitionsToTxn } from "../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { endTxn } from "../../protocol/messages/transactions/end_txn.ts";
import { writeTxnMarkers } from "../../protocol/messages/transactions/write_txn_markers.ts";
import { describeProducers } from "../../protocol/messages/transactions/describe_producers.ts";
import { describeTransactions } from "../../protocol/messages/transactions/describe_transactions.ts";
import { txnOffsetCommit } from "../../protocol/messages/transactions/txn_offset_commit.ts";
import { listTransactions } from "../../protocol/messages/transactions/list_transactions.ts";
import { NO_VERSIONS, type VersionRange } from "../../protocol/schema/version_range.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import { audited } from "./audited.ts";
import { lateHandler } from "./late_handler.ts";
import { apiVersionsHandler } from "./cluster/api_versions.ts";
import { brokerHeartbeatHandler } from "./cluster/broker_heartbeat.ts";
import { createTopicsHandler } from "./topics/create_topics.ts";
import { describeClusterHandler } from "./cluster/describe_cluster.ts";
import { envelopeHandler } from "./cluster/envelope.ts";
import { findCoordinatorHandler } from "./groups/find_coordinator.ts";
import { fetchHandler } from "./records/fetch.ts";
import { initProducerIdHandler } from "./transactions/init_producer_id.ts";
import { listOffsetsHandler } from "./records/list_offsets.ts";
import { metadataHandler } from "./topics/metadata.ts";
import { offsetForLeaderEpochHandler } from "./records/offset_for_leader_epoch.ts";
import { knownToAll } from "./known_to_all.ts";
import { onController } from "./on_controller.ts";
import { produceHandler } from "./records/produce.ts";
import { saslAuthenticateHandler, saslHandshakeHandler } from "./security/sasl.ts";
import { unservedHandler } from "./unserved.ts";

/** Loaded when they are needed. */
const ADMINISTRATION = "./administration.ts";
const GROUPS = "./groups/mod.ts";
const TRANSACTIONS = "./transactions/mod.ts";

type Handlers = ReadonlyMap<number, ApiHandler>;

let administration: Promise<Handlers> | undefined;
let groups: Promise<Handlers> | undefined;
let transactions: Promise<Handlers> | undefined;

/** Loads the handlers that are otherwise loaded with the first request for one of them. */
export async function loadHandlers(): Promise<Handlers> {
  const rooms = [loadAdministration(), loadGroupHandlers(), loadTransactionHandlers()];
  return new Map((await Promise.all(rooms)).flatMap((handlers) => [...handlers]));
}

function loadAdministration(): Promise<Handlers> {
  return administration ??=
    (import(ADMINISTRATION) as Promise<typeof import("./administration.ts")>)
      .then(({ handlers }) => handlers);
}

function loadGroupHandlers(): Promise<Handlers> {
  return groups ??= (import(GROUPS) as Promise<typeof import("./groups/mod.ts")>)
    .then(({ handlers }) => handlers);
}

function loadTransactionHandlers(): Promise<Handlers> {
  return transactions ??= (import(TRANSACTIONS) as Promise<typeof import("./transactions/mod.ts")>)
    .then(({ handlers }) => handlers);
}

/** A handler of `administration.ts`. */
function late(api: Api, advertised?: VersionRange): ApiHandler {
  return lateHandler(api, async () => (await loadAdministration()).get(api.key)!, advertised);
}

/** A handler of `groups/mod.ts`. */
function ofGroups(api: Api): ApiHandler {
  return lateHandler(api, async () => (await loadGroupHandlers()).get(api.key)!);
}

/** A handler of `transactions/mod.ts`. */
function ofTransactions(api: Api): ApiHandler {
  return lateHandler(api, async () => (await loadTransactionHandlers()).get(api.key)!);
}

const createTopics = knownToAll(audited(createTopicsHandler));
const deleteTopicsHandler = knownToAll(audited(late(deleteTopics)));
const createPartitionsHandler = knownToAll(audited(late(createPartitions)));
const alterConfigsHandler = knownToAll(audited(late(alterConfigs)));
const incrementalAlterConfigsHandler = knownToAll(audited(late(incrementalAlterConfigs)));
const updateFeaturesHandler = knownToAll(audited(late(updateFeatures)));
const electLeadersHandler = late(electLeaders);
const alterPartitionReassignmentsHandler = audited(late(alterPartitionReassignments));
const listPartitionReassignmentsHandler = late(listPartitionReassignments);
const unregisterBrokerHandler = audited(late(unregisterBroker));

/** Creates the topics that groups and transactions are kept in. */
const findCoordinator = knownToAll(findCoordinatorHandler);

/** What the controller serves for all brokers. */
const OF_CONTROLLER: readonly ApiHandler[] = [
  createTopics,
  deleteTopicsHandler,
  createPartitionsHandler,
  alterConfigsHandler,
  incrementalAlterConfigsHandler,
  updateFeaturesHandler,
  electLeadersHandler,
  alterPartitionReassignmentsHandler,
  // What was just changed is listed.
  listPartitionReassignmentsHandler,
  unregisterBrokerHandler,
  findCoordinator,
];

const HANDLERS: readonly ApiHandler[] = [
  produceHandler,
  fetchHandler,
  listOffsetsHandler,
  knownToAll(metadataHandler),
  onController(createTopics),
  onController(deleteTopicsHandler),
  audited(late(deleteRecords)),
  initProducerIdHandler,
  offsetForLeaderEpochHandler,
  late(describeConfigs),
  onController(alterConfigsHandler, isOfLoggers),
  late(describeLogDirs),
  onController(createPartitionsHandler),
  onController(incrementalAlterConfigsHandler, isOfLoggers),
  describeClusterHandler,
  late(describeTopicPartitions),
  saslHandshakeHandler,
  saslAuthenticateHandler,
  ofTransactions(addPartitionsToTxn),
  ofTransactions(addOffsetsToTxn),
  ofTransactions(endTxn),
  ofTransactions(writeTxnMarkers),
  late(describeTransactions),
  late(listTransactions),
  late(describeProducers),
  late(describeAcls),
  late(createAcls),
  late(deleteAcls),
  late(createDelegationToken),
  late(renewDelegationToken),
  late(expireDelegationToken),
  late(describeDelegationToken),
  late(describeUserScramCredentials),
  audited(late(alterUserScramCredentials)),
  late(describeClientQuotas),
  late(alterClientQuotas),
  late(alterReplicaLogDirs),
  onController(electLeadersHandler),
  onController(alterPartitionReassignmentsHandler),
  onController(listPartitionReassignmentsHandler),
  late(describeQuorum),
  onController(updateFeaturesHandler),
  brokerHeartbeatHandler,
  onController(unregisterBrokerHandler),
  late(listConfigResources),
  late(getTelemetrySubscriptions, NO_VERSIONS),
  late(pushTelemetry, NO_VERSIONS),
  findCoordinator,
  ofGroups(joinGroup),
  ofGroups(syncGroup),
  ofGroups(heartbeat),
  ofGroups(leaveGroup),
  ofGroups(offsetCommit),
  ofGroups(offsetFetch),
  ofGroups(offsetDelete),
  ofGroups(describeGroups),
  ofGroups(listGroups),
  ofGroups(deleteGroups),
  ofGroups(txnOffsetCommit),
  ofGroups(consumerGroupHeartbeat),
  ofGroups(consumerGroupDescribe),
];

/** Whether settings to alter are those of this process's logger alone. */
function isOfLoggers({ resources }: AlterConfigsRequest | IncrementalAlterConfigsRequest): boolean {
  return resources.every(({ resourceType }) => resourceType === ConfigResourceType.brokerLogger);
}

/** Handlers by API key. */
export class HandlerTable {
  readonly #byKey: (ApiHandler | undefined)[] = [];

  /** @param handlers All handlers except that of ApiVersions, which describes them. */
  constructor(handlers: readonly ApiHandler[] = HANDLERS) {
    for (const api of APIS) this.#byKey[api.key] = unservedHandler(api);
    const forwarded = envelopeHandler(OF_CONTROLLER);
    for (const handler of [...handlers, apiVersionsHandler(handlers), forwarded]) {
      this.#byKey[handler.api.key] = handler;
    }
  }

  /** The handler of an API, including those that only refuse requests. */
  get(apiKey: number): ApiHandler | undefined {
    return this.#byKey[apiKey];
  }
}
