/**
 * The coordinator of transactions.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const TRANSACTION_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("there are no transactions", {
    "add.partitions.to.txn.retry.backoff.max.ms": [
      "int",
      "100",
      "Most milliseconds between two attempts to add partitions to a transaction",
    ],
    "add.partitions.to.txn.retry.backoff.ms": [
      "int",
      "20",
      "First milliseconds between two attempts to add partitions to a transaction",
    ],
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": [
      "int",
      "10000",
      "Milliseconds between two checks for transactions past their timeout",
    ],
    "transaction.max.timeout.ms": [
      "int",
      "900000",
      "Longest timeout in milliseconds that a transaction may ask for",
    ],
    "transaction.partition.verification.enable": [
      "boolean",
      "true",
      "Whether a write is checked to belong to an open transaction",
      "cluster-wide",
    ],
    "transaction.remove.expired.transaction.cleanup.interval.ms": [
      "int",
      "3600000",
      "Milliseconds between two checks for expired transactional ids",
    ],
    "transaction.state.log.load.buffer.size": [
      "int",
      "5242880",
      "Bytes read at a time when the state of transactions is loaded",
    ],
    "transaction.state.log.min.isr": [
      "int",
      "2",
      "Replicas of __transaction_state that must be in sync",
    ],
    "transaction.state.log.num.partitions": ["int", "50", "Partitions of __transaction_state"],
    "transaction.state.log.replication.factor": ["short", "3", "Replicas of __transaction_state"],
    "transaction.state.log.segment.bytes": [
      "int",
      "104857600",
      "Size in bytes of the segments of __transaction_state",
    ],
    "transaction.two.phase.commit.enable": [
      "boolean",
      "false",
      "Whether transactions may have no timeout, for commits in two phases",
    ],
    "transactional.id.expiration.ms": [
      "int",
      "604800000",
      "Milliseconds without use after which a transactional id is forgotten",
    ],
  }),
};
