/**
 * Every API that this broker serves, one file each; closely related APIs share one.
 *
 * A file's header lists the supported versions, the behaviour, and the KIPs of each version.
 *
 * @module
 */

import { groupHandlers } from "./groups/mod.ts";
import { APIS } from "../../protocol/messages/mod.ts";
import {
  type AlterConfigsRequest,
  ConfigResourceType,
  type IncrementalAlterConfigsRequest,
} from "../../protocol/messages/configs/mod.ts";
import type { ApiHandler } from "../handler.ts";
import { createAclsHandler, deleteAclsHandler, describeAclsHandler } from "./security/acls.ts";
import { alterConfigsHandler } from "./configs/alter_configs.ts";
import { alterReplicaLogDirsHandler } from "./cluster/alter_replica_log_dirs.ts";
import { apiVersionsHandler } from "./cluster/api_versions.ts";
import { brokerHeartbeatHandler } from "./cluster/broker_heartbeat.ts";
import { alterClientQuotasHandler, describeClientQuotasHandler } from "./security/client_quotas.ts";
import { createPartitionsHandler } from "./topics/create_partitions.ts";
import { createTopicsHandler } from "./topics/create_topics.ts";
import {
  createDelegationTokenHandler,
  describeDelegationTokenHandler,
  expireDelegationTokenHandler,
  renewDelegationTokenHandler,
} from "./security/delegation_tokens.ts";
import { deleteRecordsHandler } from "./records/delete_records.ts";
import { deleteTopicsHandler } from "./topics/delete_topics.ts";
import { describeClusterHandler } from "./cluster/describe_cluster.ts";
import { describeConfigsHandler } from "./configs/describe_configs.ts";
import { describeLogDirsHandler } from "./cluster/describe_log_dirs.ts";
import { describeProducersHandler } from "./transactions/describe_producers.ts";
import { describeQuorumHandler } from "./cluster/describe_quorum.ts";
import { describeTopicPartitionsHandler } from "./topics/describe_topic_partitions.ts";
import { describeTransactionsHandler } from "./transactions/describe_transactions.ts";
import { electLeadersHandler } from "./topics/elect_leaders.ts";
import { envelopeHandler } from "./cluster/envelope.ts";
import { findCoordinatorHandler } from "./groups/find_coordinator.ts";
import { fetchHandler } from "./records/fetch.ts";
import { incrementalAlterConfigsHandler } from "./configs/incremental_alter_configs.ts";
import { initProducerIdHandler } from "./transactions/init_producer_id.ts";
import { listConfigResourcesHandler } from "./configs/list_config_resources.ts";
import { listOffsetsHandler } from "./records/list_offsets.ts";
import { listTransactionsHandler } from "./transactions/list_transactions.ts";
import { metadataHandler } from "./topics/metadata.ts";
import { offsetForLeaderEpochHandler } from "./records/offset_for_leader_epoch.ts";
import {
  alterPartitionReassignmentsHandler,
  listPartitionReassignmentsHandler,
} from "./topics/partition_reassignments.ts";
import { knownToAll } from "./known_to_all.ts";
import { onController } from "./on_controller.ts";
import { produceHandler } from "./records/produce.ts";
import { saslAuthenticateHandler, saslHandshakeHandler } from "./security/sasl.ts";
import { getTelemetrySubscriptionsHandler, pushTelemetryHandler } from "./cluster/telemetry.ts";
import {
  addOffsetsToTxnHandler,
  addPartitionsToTxnHandler,
  endTxnHandler,
  txnOffsetCommitHandler,
} from "./transactions/transactions.ts";
import { unregisterBrokerHandler } from "./cluster/unregister_broker.ts";
import { unservedHandler } from "./unserved.ts";
import { updateFeaturesHandler } from "./cluster/update_features.ts";
import {
  alterUserScramCredentialsHandler,
  describeUserScramCredentialsHandler,
} from "./security/user_scram_credentials.ts";

const createTopics = knownToAll(createTopicsHandler);
const deleteTopics = knownToAll(deleteTopicsHandler);
const createPartitions = knownToAll(createPartitionsHandler);
const alterConfigs = knownToAll(alterConfigsHandler);
const incrementalAlterConfigs = knownToAll(incrementalAlterConfigsHandler);
const updateFeatures = knownToAll(updateFeaturesHandler);

/** What the controller serves for all brokers. */
const OF_CONTROLLER: readonly ApiHandler[] = [
  createTopics,
  deleteTopics,
  createPartitions,
  alterConfigs,
  incrementalAlterConfigs,
  updateFeatures,
  electLeadersHandler,
  alterPartitionReassignmentsHandler,
  // What was just changed is listed.
  listPartitionReassignmentsHandler,
  unregisterBrokerHandler,
  // Creates the topic that groups are kept in.
  knownToAll(findCoordinatorHandler),
];

const HANDLERS: readonly ApiHandler[] = [
  produceHandler,
  fetchHandler,
  listOffsetsHandler,
  knownToAll(metadataHandler),
  onController(createTopics),
  onController(deleteTopics),
  deleteRecordsHandler,
  initProducerIdHandler,
  offsetForLeaderEpochHandler,
  describeConfigsHandler,
  onController(alterConfigs, isOfLoggers),
  describeLogDirsHandler,
  onController(createPartitions),
  onController(incrementalAlterConfigs, isOfLoggers),
  describeClusterHandler,
  describeTopicPartitionsHandler,
  saslHandshakeHandler,
  saslAuthenticateHandler,
  addPartitionsToTxnHandler,
  addOffsetsToTxnHandler,
  endTxnHandler,
  txnOffsetCommitHandler,
  describeTransactionsHandler,
  listTransactionsHandler,
  describeProducersHandler,
  describeAclsHandler,
  createAclsHandler,
  deleteAclsHandler,
  createDelegationTokenHandler,
  renewDelegationTokenHandler,
  expireDelegationTokenHandler,
  describeDelegationTokenHandler,
  describeUserScramCredentialsHandler,
  alterUserScramCredentialsHandler,
  describeClientQuotasHandler,
  alterClientQuotasHandler,
  alterReplicaLogDirsHandler,
  onController(electLeadersHandler),
  onController(alterPartitionReassignmentsHandler),
  onController(listPartitionReassignmentsHandler),
  describeQuorumHandler,
  onController(updateFeatures),
  brokerHeartbeatHandler,
  onController(unregisterBrokerHandler),
  listConfigResourcesHandler,
  getTelemetrySubscriptionsHandler,
  pushTelemetryHandler,
  ...groupHandlers,
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
