/**
 * The parts of a broker that transactions consist of: the coordinator, what writes markers, and what asks
 * coordinators before records are appended.
 *
 * @module
 */

import type { ClusterState } from "../cluster/cluster_state.ts";
import type { GroupCoordinator } from "../groups/group_coordinator.ts";
import { OFFSETS_TOPIC } from "../groups/offsets_topic.ts";
import type { Logger } from "../logger.ts";
import type { TransactionCounters } from "../metrics/transaction_counters.ts";
import type { PeerNetwork } from "../peers/peer_network.ts";
import { Peers } from "../peers/peers.ts";
import type { ProducerIds } from "../producer_ids.ts";
import type { BrokerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";
import type { Timeouts } from "../time/timeouts.ts";
import type { TopicRegistry } from "../topics/topic_registry.ts";
import { MarkerWriter } from "../transactions/markers/marker_writer.ts";
import { PeerTransport } from "../transactions/markers/peer_transport.ts";
import { TransactionCoordinator } from "../transactions/transaction_coordinator.ts";
import { RegistryTransactionsTopic } from "../transactions/transactions_topic.ts";
import { askCoordinator } from "../transactions/verification/remote_coordinator.ts";
import type { TransactionRequest } from "../transactions/verification/transaction_request.ts";
import { TransactionVerifier } from "../transactions/verification/transaction_verifier.ts";

/** What transactions are made from. */
export interface TransactionsOptions {
  readonly cluster: ClusterState;
  readonly topics: TopicRegistry;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly network: PeerNetwork;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  readonly counters: TransactionCounters;
  /** Has the controller create the topic; gives false if that is this broker. Default: it is. */
  readonly createElsewhere?: () => Promise<boolean>;
}

/** The transactions of a broker. */
export interface Transactions extends AsyncDisposable {
  readonly transactions: TransactionCoordinator;
  readonly markers: MarkerWriter;
  readonly verifier: TransactionVerifier;
}

/** Starts what serves transactions. */
export async function openTransactions(options: TransactionsOptions): Promise<Transactions> {
  const { cluster, topics, groups, config, clock, timeouts, logger, network } = options;
  const { nodeId } = cluster;
  const topic = new RegistryTransactionsTopic(options);
  await topic.ensureConfigs();
  const markers = new MarkerWriter({
    topics,
    groups: {
      topic: OFFSETS_TOPIC,
      ensureLoaded: (index) => groups.ensureLoaded(index),
      endTransaction: (...ended) => groups.endTransaction(...ended),
    },
    clock,
    timeouts,
    logger,
  });
  // Connections of their own: markers and verifications may take long, and hold back what follows.
  const markerPeers = new Peers({ network, nodeId, clock });
  const verifierPeers = new Peers({ network, nodeId, clock });
  const transactions = TransactionCoordinator.start({
    topic,
    transport: new PeerTransport({ cluster, peers: markerPeers, writer: markers }),
    producerIds: options.producerIds,
    config,
    clock,
    logger,
    counters: options.counters,
  });
  const verifier = new TransactionVerifier({
    nodeId,
    coordinators: transactions,
    ask: async (id: number, requests: readonly TransactionRequest[]) => {
      const peer = cluster.broker(id);
      if (peer === undefined) throw new Error(`Broker ${id} is not registered`);
      return await askCoordinator(verifierPeers, peer, requests);
    },
    retryBackoffMs: () => config.get("add.partitions.to.txn.retry.backoff.ms"),
    maxRetryMs: () => config.get("add.partitions.to.txn.retry.backoff.max.ms"),
    clock,
    logger,
  });
  return {
    transactions,
    markers,
    verifier,
    [Symbol.asyncDispose]: async () => {
      verifier.close();
      verifierPeers.close();
      markerPeers.close();
      await transactions.close();
    },
  };
}
