/**
 * Handlers of what administrators do and ask for. They are loaded with the first such request: a broker
 * starts faster without them.
 *
 * @module
 */

import type { ApiHandler } from "../handler.ts";
import { alterReplicaLogDirsHandler } from "./cluster/alter_replica_log_dirs.ts";
import { describeLogDirsHandler } from "./cluster/describe_log_dirs.ts";
import { describeQuorumHandler } from "./cluster/describe_quorum.ts";
import { getTelemetrySubscriptionsHandler, pushTelemetryHandler } from "./cluster/telemetry.ts";
import { unregisterBrokerHandler } from "./cluster/unregister_broker.ts";
import { updateFeaturesHandler } from "./cluster/update_features.ts";
import { alterConfigsHandler } from "./configs/alter_configs.ts";
import { describeConfigsHandler } from "./configs/describe_configs.ts";
import { incrementalAlterConfigsHandler } from "./configs/incremental_alter_configs.ts";
import { listConfigResourcesHandler } from "./configs/list_config_resources.ts";
import { createAclsHandler, deleteAclsHandler, describeAclsHandler } from "./security/acls.ts";
import { alterClientQuotasHandler, describeClientQuotasHandler } from "./security/client_quotas.ts";
import {
  createDelegationTokenHandler,
  describeDelegationTokenHandler,
  expireDelegationTokenHandler,
  renewDelegationTokenHandler,
} from "./security/delegation_tokens.ts";
import {
  alterUserScramCredentialsHandler,
  describeUserScramCredentialsHandler,
} from "./security/user_scram_credentials.ts";
import { electLeadersHandler } from "./topics/elect_leaders.ts";
import {
  alterPartitionReassignmentsHandler,
  listPartitionReassignmentsHandler,
} from "./topics/partition_reassignments.ts";
import { describeProducersHandler } from "./transactions/describe_producers.ts";
import { createPartitionsHandler } from "./topics/create_partitions.ts";
import { deleteRecordsHandler } from "./records/delete_records.ts";
import { deleteTopicsHandler } from "./topics/delete_topics.ts";
import { describeTopicPartitionsHandler } from "./topics/describe_topic_partitions.ts";
import { describeTransactionsHandler } from "./transactions/describe_transactions.ts";
import { listTransactionsHandler } from "./transactions/list_transactions.ts";

/** The handlers by API key. */
export const handlers: ReadonlyMap<number, ApiHandler> = new Map(
  [
    alterReplicaLogDirsHandler,
    describeLogDirsHandler,
    describeQuorumHandler,
    getTelemetrySubscriptionsHandler,
    pushTelemetryHandler,
    unregisterBrokerHandler,
    updateFeaturesHandler,
    alterConfigsHandler,
    describeConfigsHandler,
    incrementalAlterConfigsHandler,
    listConfigResourcesHandler,
    createAclsHandler,
    deleteAclsHandler,
    describeAclsHandler,
    alterClientQuotasHandler,
    describeClientQuotasHandler,
    createDelegationTokenHandler,
    describeDelegationTokenHandler,
    expireDelegationTokenHandler,
    renewDelegationTokenHandler,
    alterUserScramCredentialsHandler,
    describeUserScramCredentialsHandler,
    electLeadersHandler,
    alterPartitionReassignmentsHandler,
    listPartitionReassignmentsHandler,
    createPartitionsHandler,
    deleteRecordsHandler,
    deleteTopicsHandler,
    describeTopicPartitionsHandler,
    describeProducersHandler,
    describeTransactionsHandler,
    listTransactionsHandler,
  ].map((handler) => [handler.api.key, handler]),
);
