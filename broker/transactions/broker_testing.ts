/**
 * A broker's components with transactions, for tests that call handlers directly.
 *
 * @module
 */

import type { TestBrokerOptions } from "../broker_testing.ts";
import { type GroupBroker, startGroupBroker } from "../groups/broker_testing.ts";
import { openTransactions } from "../opening/open_transactions.ts";
import { tcpNetwork } from "../peers/peer_network.ts";
import type { TransactionCoordinator } from "./transaction_coordinator.ts";

/** A broker for tests of transactions. */
export interface TransactionBroker extends GroupBroker {
  readonly transactions: TransactionCoordinator;
}

/** Starts a broker with small limits. Pass the same `fs` again for a restart. */
export async function startTransactionBroker(
  options: TestBrokerOptions = {},
): Promise<TransactionBroker> {
  const started = await startGroupBroker({
    ...options,
    config: { "transaction.state.log.num.partitions": 3, ...options.config },
  });
  const { broker, groups } = started;
  const { cluster, topics, producerIds, config, clock, timeouts, logger, counters } =
    broker.context;
  const opened = await openTransactions({
    cluster,
    topics,
    groups,
    producerIds,
    network: tcpNetwork,
    config,
    clock,
    timeouts,
    logger,
    counters: counters.transactions,
  });
  const { transactions, markers, verifier } = opened;
  Object.assign(broker.context, { transactions, markers, verifier });
  return {
    broker,
    groups,
    transactions,
    stop: async () => {
      await opened[Symbol.asyncDispose]();
      await started.stop();
    },
    [Symbol.asyncDispose]: async () => {
      await opened[Symbol.asyncDispose]();
      await started[Symbol.asyncDispose]();
    },
  };
}
