/**
 * Every API this broker serves, one file each (a family shares one where its members differ little).
 *
 * A file's header says the versions served, what it does, and each version's KIP.
 *
 * @module
 */

import { groupHandlers } from "../groups/handlers.ts";
import { APIS } from "../../protocol/messages/mod.ts";
import type { ApiHandler } from "../handler.ts";
import { createAclsHandler, deleteAclsHandler, describeAclsHandler } from "./acls.ts";
import { alterConfigsHandler } from "./alter_configs.ts";
import { alterReplicaLogDirsHandler } from "./alter_replica_log_dirs.ts";
import { apiVersionsHandler } from "./api_versions.ts";
import { alterClientQuotasHandler, describeClientQuotasHandler } from "./client_quotas.ts";
import { createPartitionsHandler } from "./create_partitions.ts";
import { createTopicsHandler } from "./create_topics.ts";
import {
  createDelegationTokenHandler,
  describeDelegationTokenHandler,
  expireDelegationTokenHandler,
  renewDelegationTokenHandler,
} from "./delegation_tokens.ts";
import { deleteRecordsHandler } from "./delete_records.ts";
import { deleteTopicsHandler } from "./delete_topics.ts";
import { describeClusterHandler } from "./describe_cluster.ts";
import { describeConfigsHandler } from "./describe_configs.ts";
import { describeLogDirsHandler } from "./describe_log_dirs.ts";
import { describeProducersHandler } from "./describe_producers.ts";
import { describeQuorumHandler } from "./describe_quorum.ts";
import { describeTopicPartitionsHandler } from "./describe_topic_partitions.ts";
import { describeTransactionsHandler } from "./describe_transactions.ts";
import { electLeadersHandler } from "./elect_leaders.ts";
import { fetchHandler } from "./fetch.ts";
import { incrementalAlterConfigsHandler } from "./incremental_alter_configs.ts";
import { initProducerIdHandler } from "./init_producer_id.ts";
import { listConfigResourcesHandler } from "./list_config_resources.ts";
import { listOffsetsHandler } from "./list_offsets.ts";
import { listTransactionsHandler } from "./list_transactions.ts";
import { metadataHandler } from "./metadata.ts";
import { offsetForLeaderEpochHandler } from "./offset_for_leader_epoch.ts";
import {
  alterPartitionReassignmentsHandler,
  listPartitionReassignmentsHandler,
} from "./partition_reassignments.ts";
import { produceHandler } from "./produce.ts";
import { saslAuthenticateHandler, saslHandshakeHandler } from "./sasl.ts";
import { getTelemetrySubscriptionsHandler, pushTelemetryHandler } from "./telemetry.ts";
import {
  addOffsetsToTxnHandler,
  addPartitionsToTxnHandler,
  endTxnHandler,
  txnOffsetCommitHandler,
} from "./transactions.ts";
import { unregisterBrokerHandler } from "./unregister_broker.ts";
import { unservedHandler } from "./unserved.ts";
import { updateFeaturesHandler } from "./update_features.ts";
import {
  alterUserScramCredentialsHandler,
  describeUserScramCredentialsHandler,
} from "./user_scram_credentials.ts";

const HANDLERS: readonly ApiHandler[] = [
  produceHandler,
  fetchHandler,
  listOffsetsHandler,
  metadataHandler,
  createTopicsHandler,
  deleteTopicsHandler,
  deleteRecordsHandler,
  initProducerIdHandler,
  offsetForLeaderEpochHandler,
  describeConfigsHandler,
  alterConfigsHandler,
  describeLogDirsHandler,
  createPartitionsHandler,
  incrementalAlterConfigsHandler,
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
  electLeadersHandler,
  alterPartitionReassignmentsHandler,
  listPartitionReassignmentsHandler,
  describeQuorumHandler,
  updateFeaturesHandler,
  unregisterBrokerHandler,
  listConfigResourcesHandler,
  getTelemetrySubscriptionsHandler,
  pushTelemetryHandler,
  ...groupHandlers,
];

/** Handlers by API key. */
export class HandlerTable {
  readonly #byKey: (ApiHandler | undefined)[] = [];

  /** @param handlers all but that of ApiVersions, which speaks for them. */
  constructor(handlers: readonly ApiHandler[] = HANDLERS) {
    for (const api of APIS) this.#byKey[api.key] = unservedHandler(api);
    for (const handler of [...handlers, apiVersionsHandler(handlers)]) {
      this.#byKey[handler.api.key] = handler;
    }
  }

  /** What answers requests of an API, if only to refuse them. */
  get(apiKey: number): ApiHandler | undefined {
    return this.#byKey[apiKey];
  }
}
