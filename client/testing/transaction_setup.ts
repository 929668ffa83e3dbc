/**
 * A transactional producer of a fake cluster, for tests.
 *
 * @module
 */

import type { ClientOptions } from "../client_options.ts";
import type { Producer } from "../producer/producer.ts";
import type { ProducerOptions } from "../producer/producer_options.ts";
import { type ClientSetup, setup, texts } from "./client_setup.ts";
import type { FakeClusterOptions } from "./fake_cluster.ts";
import { FakeTransactions } from "./fake_transactions.ts";

/** The two flows: before `transaction.version` 2, and since. */
export const FLOWS = [
  { name: "older flow", isImplicit: false, features: {} },
  { name: "newer flow", isImplicit: true, features: { "transaction.version": 2 } },
] as const;

/** One of the two flows. */
export type Flow = typeof FLOWS[number];

/** A client with a transactional producer, and the coordinator. */
export interface TransactionSetup extends ClientSetup {
  readonly transactions: FakeTransactions;
  readonly producer: Producer;
  /** Creates another producer with the same transactional id. */
  another(options?: ProducerOptions): Producer;
  /** The values in a topic's partition 0 that a reader of committed messages sees. */
  committed(topic?: string): Promise<string[]>;
}

/** Creates a cluster of topics `a` and `b` with one partition each, and a producer `t`. */
export function setupTransactions(
  flow: Flow,
  clientOptions: Pick<ClientOptions, "timeoutMs" | "retry"> = {},
  clusterOptions: FakeClusterOptions = {},
): TransactionSetup {
  const topics = { a: 1, b: 1 };
  const test = setup({ topics, features: flow.features, ...clusterOptions }, clientOptions);
  const transactions = new FakeTransactions(test.cluster);
  const another = (options: ProducerOptions = {}) =>
    test.client.producer({ transactionalId: "t", ...options });
  return {
    ...test,
    transactions,
    producer: another(),
    another,
    async committed(topic = "a") {
      await using consumer = test.client.consumer({ isolationLevel: "read_committed" });
      const { messages } = await consumer.fetchFrom(topic, 0, 0, { maxWaitMs: 0 });
      return texts(messages);
    },
  };
}
