/**
 * Hostile requests to the APIs that administer a cluster.
 *
 * @module
 */

import { addPartitionsToTxn } from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { alterClientQuotas } from "../../../protocol/messages/security/alter_client_quotas.ts";
import { alterPartitionReassignments } from "../../../protocol/messages/topics/alter_partition_reassignments.ts";
import { alterReplicaLogDirs } from "../../../protocol/messages/cluster/alter_replica_log_dirs.ts";
import { alterUserScramCredentials } from "../../../protocol/messages/security/alter_user_scram_credentials.ts";
import { createAcls } from "../../../protocol/messages/security/create_acls.ts";
import { describeProducers } from "../../../protocol/messages/transactions/describe_producers.ts";
import { describeQuorum } from "../../../protocol/messages/cluster/describe_quorum.ts";
import { describeTransactions } from "../../../protocol/messages/transactions/describe_transactions.ts";
import { electLeaders } from "../../../protocol/messages/topics/elect_leaders.ts";
import { listTransactions } from "../../../protocol/messages/transactions/list_transactions.ts";
import { updateFeatures } from "../../../protocol/messages/cluster/update_features.ts";
import { each, HOSTILE_TOPIC, type HostileCase, MANY, repeat } from "./hostile_case.ts";
import { requestFrame } from "../load/load_connection.ts";

const topic = HOSTILE_TOPIC;

/** A number of items whose answer fits into memory, where that of `MANY` may not. */
const SOME = 100_000;

/** All cases. */
export const HOSTILE_ADMINISTRATION: readonly HostileCase[] = [
  {
    name: "ElectLeaders, 100,000 times the same partition",
    frame: () =>
      requestFrame(electLeaders, 2, { topicPartitions: [{ topic, partitions: repeat(SOME, 0) }] }),
  },
  {
    name: "ElectLeaders, a long name for each of 500,000 partitions",
    frame: () => {
      const partitions = repeat(MANY, 0);
      return requestFrame(electLeaders, 2, {
        topicPartitions: [{ topic: "x".repeat(30_000), partitions }],
      });
    },
  },
  {
    name: "AlterPartitionReassignments, 100,000 times the same partition",
    frame: () => {
      const partitions = repeat(SOME, { partitionIndex: 0, replicas: [1] });
      return requestFrame(alterPartitionReassignments, 1, {
        topics: [{ name: topic, partitions }],
      });
    },
  },
  {
    name: "AlterPartitionReassignments, a partition on 500,000 brokers",
    frame: () => {
      const partitions = [{ partitionIndex: 0, replicas: each(MANY, (i) => i + 1) }];
      return requestFrame(alterPartitionReassignments, 1, {
        topics: [{ name: topic, partitions }],
      });
    },
  },
  {
    name: "AlterReplicaLogDirs, 500,000 directories",
    frame: () =>
      requestFrame(alterReplicaLogDirs, 2, {
        dirs: repeat(MANY, { path: "/x", topics: [{ name: "t", partitions: [0] }] }),
      }),
  },
  {
    name: "AddPartitionsToTxn, 200,000 transactions",
    frame: () => {
      const topics = [{ name: "t", partitions: [0] }];
      const transaction = { transactionalId: "x", producerId: 1, producerEpoch: 0, topics };
      return requestFrame(addPartitionsToTxn, 4, { transactions: repeat(2 * SOME, transaction) });
    },
  },
  {
    name: "DescribeProducers, 10,000 partitions 50 times",
    frame: () => {
      const partitionIndexes = each(MANY, (i) => i % 10_000);
      return requestFrame(describeProducers, 0, { topics: [{ name: topic, partitionIndexes }] });
    },
  },
  {
    name: "DescribeTransactions, 500,000 ids",
    frame: () =>
      requestFrame(describeTransactions, 0, { transactionalIds: each(MANY, (i) => `id-${i}`) }),
  },
  {
    name: "ListTransactions, 500,000 states",
    frame: () =>
      requestFrame(listTransactions, 0, {
        stateFilters: each(MANY, (i) => `state-${i}`),
        producerIdFilters: [],
      }),
  },
  {
    name: "DescribeQuorum, 100,000 times the same partition",
    frame: () => {
      const partitions = repeat(SOME, { partitionIndex: 0 });
      return requestFrame(describeQuorum, 2, {
        topics: [{ topicName: "__cluster_metadata", partitions }],
      });
    },
  },
  {
    name: "CreateAcls, 300,000 entries",
    frame: () => {
      const creation = {
        resourceType: 2,
        resourceName: "t",
        principal: "User:a",
        host: "*",
        operation: 3,
        permissionType: 3,
      };
      return requestFrame(createAcls, 3, { creations: repeat(3 * SOME, creation) });
    },
  },
  {
    name: "AlterUserScramCredentials, 300,000 users",
    frame: () =>
      requestFrame(alterUserScramCredentials, 0, {
        deletions: each(3 * SOME, (i) => ({ name: `user-${i}`, mechanism: 1 })),
        upsertions: [],
      }),
  },
  {
    name: "AlterClientQuotas, 200,000 entries",
    frame: () => {
      const entity = [{ entityType: "user", entityName: "a" }];
      const ops = [{ key: "producer_byte_rate", value: 1, remove: false }];
      return requestFrame(alterClientQuotas, 1, {
        entries: repeat(2 * SOME, { entity, ops }),
        validateOnly: true,
      });
    },
  },
  {
    name: "UpdateFeatures, 300,000 updates",
    frame: () =>
      requestFrame(updateFeatures, 2, {
        featureUpdates: repeat(3 * SOME, { feature: "group.version", maxVersionLevel: 1 }),
      }),
  },
];
