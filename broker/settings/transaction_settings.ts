/**
 * Settings of the transaction coordinator, part of the broker's table. Names, units and defaults are
 * Kafka's, except `transactional.ids.max.bytes`.
 *
 * @module
 */

import { boolean, int, long, type SettingValues } from "./setting.ts";

const MIB = 1024 * 1024;
const HOUR_MS = 60 * 60 * 1000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** The settings by name. */
export const TRANSACTION_SETTINGS = {
  "transaction.max.timeout.ms": int(
    15 * 60 * 1000,
    "Longest timeout in milliseconds that a transaction may ask for",
    { min: 1 },
  ),
  "add.partitions.to.txn.retry.backoff.ms": int(
    20,
    "Milliseconds before a coordinator is asked again to add partitions to a transaction, while it ends " +
      "the one before",
    { min: 1 },
  ),
  "add.partitions.to.txn.retry.backoff.max.ms": int(
    100,
    "Milliseconds after which the producer has to ask again to add partitions to a transaction",
    { min: 0 },
  ),
  "transaction.partition.verification.enable": boolean(
    true,
    "Whether writes of producers before KIP-890 are checked to belong to an open transaction. Without that, " +
      "one that arrives late may leave a transaction open that holds back readers with read_committed",
    { scope: "cluster-wide" },
  ),
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": int(
    10_000,
    "Milliseconds between two checks for transactions past their timeout",
    { min: 1 },
  ),
  "transactional.id.expiration.ms": int(
    WEEK_MS,
    "Milliseconds without use after which a transactional id is forgotten",
    { min: 1 },
  ),
  "transaction.remove.expired.transaction.cleanup.interval.ms": int(
    HOUR_MS,
    "Milliseconds between two checks for expired transactional ids",
    { min: 1 },
  ),
  "transactional.ids.max.bytes": long(
    256 * MIB,
    "Memory in bytes that the transactional ids which a broker coordinates may take: 500 for each, twice " +
      "its length, and 40 for each partition of an open transaction. Beyond that, ids unused for the " +
      "longest time are forgotten early, down to 15 minutes, and new ones are refused",
    { min: MIB },
  ),
  "transaction.state.log.num.partitions": int(
    50,
    "Number of partitions of __transaction_state; used when the topic is created, with the first " +
      "transactional id",
    { min: 1 },
  ),
  "transaction.state.log.replication.factor": int(
    3,
    "Number of replicas of __transaction_state, or the number of brokers of the cluster, running or " +
      "not, if that is lower",
    { type: "short", min: 1, max: 32767 },
  ),
  "transaction.state.log.min.isr": int(
    2,
    "Replicas of __transaction_state that must be in sync for a transaction to go on, or all of them " +
      "if it has fewer; used when the topic is created",
    { min: 1 },
  ),
  "transaction.state.log.segment.bytes": int(
    100 * MIB,
    "Segment size in bytes of __transaction_state; used when the topic is created",
    { min: 1024 },
  ),
};

/** The value of each setting. */
export type TransactionSettings = SettingValues<typeof TRANSACTION_SETTINGS>;

/** The coordinator's source of settings: the broker's configuration, or a test's. */
export interface TransactionConfig {
  get<N extends keyof TransactionSettings>(name: N): TransactionSettings[N];
}
