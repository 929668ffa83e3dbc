/**
 * The types of administering transactions.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";
import type { Names } from "../ensure_known.ts";
import type { TopicPartition } from "../topic_partition.ts";

/**
 * The state of a transactional id at its coordinator, in Kafka's words.
 *
 * - `Empty`: it has no transaction
 * - `Ongoing`: a transaction is open
 * - `PrepareCommit`, `PrepareAbort`: it is being ended in its partitions
 * - `CompleteCommit`, `CompleteAbort`: it has ended, and no other has begun
 * - `Dead`: the id is being forgotten
 * - `PrepareEpochFence`: its producer is being fenced
 */
export type TransactionStateName =
  | "Empty"
  | "Ongoing"
  | "PrepareCommit"
  | "PrepareAbort"
  | "CompleteCommit"
  | "CompleteAbort"
  | "Dead"
  | "PrepareEpochFence"
  | "Unknown";

/** A transactional id in a list. */
export interface TransactionListing {
  /** The transactional id. */
  readonly transactionalId: string;
  /** The producer id. */
  readonly producerId: number;
  /** The state. */
  readonly state: TransactionStateName;
  /** The broker that coordinates it. */
  readonly coordinator: BrokerNode;
}

/** Which transactional ids to list. */
export interface ListTransactionsOptions extends OperationOptions {
  /** Only those in these states. Default: all. */
  readonly states?: readonly TransactionStateName[];
  /** Only those of these producer ids. Default: all. */
  readonly producerIds?: readonly number[];
  /** Only transactions that have been open for at least this many milliseconds (KIP-994). Default: any. */
  readonly minDurationMs?: number;
  /** Only ids that match this regular expression as a whole (RE2, KIP-1152). Default: all. */
  readonly pattern?: string;
}

/** What the coordinator knows of a transactional id. */
export interface TransactionDescription {
  /** The transactional id. */
  readonly transactionalId: string;
  /** The state. */
  readonly state: TransactionStateName;
  /** The broker that coordinates it. */
  readonly coordinator: BrokerNode;
  /** The producer id. */
  readonly producerId: number;
  /** The producer epoch. */
  readonly producerEpoch: number;
  /** How long a transaction may take, in milliseconds. */
  readonly timeoutMs: number;
  /** When the transaction began, in milliseconds since 1970; undefined if there was none. */
  readonly startTimeMs: number | undefined;
  /** The partitions of the transaction, with those of group offsets. */
  readonly partitions: readonly TopicPartition[];
}

/** A producer that has written to a partition. */
export interface PartitionProducer {
  /** The producer id. */
  readonly producerId: number;
  /** The producer epoch. */
  readonly producerEpoch: number;
  /** The epoch of the coordinator that wrote the last marker; undefined if there was none. */
  readonly coordinatorEpoch: number | undefined;
  /** The last sequence number; undefined if there is none. */
  readonly lastSequence: number | undefined;
  /** The timestamp of the last batch, in milliseconds since 1970; undefined if there is none. */
  readonly lastTimestamp: number | undefined;
  /** The first offset of the open transaction; undefined if none is open. */
  readonly transactionStartOffset: number | undefined;
}

/** The producers of a partition. */
export interface PartitionProducers extends TopicPartition {
  /** The producers, by producer id. */
  readonly producers: readonly PartitionProducer[];
}

/** Which replicas to ask for producers. */
export interface DescribeProducersOptions extends OperationOptions {
  /** The broker to ask. Default: the leader of each partition. */
  readonly brokerId?: number;
}

/** A transaction that hangs in a partition, and is aborted there alone. */
export interface HangingTransaction extends TopicPartition {
  /** The producer id. */
  readonly producerId: number;
  /** The producer epoch. */
  readonly producerEpoch: number;
  /** The coordinator epoch, of the producer in the partition. Default: 0. */
  readonly coordinatorEpoch?: number | undefined;
}

/** A producer that was fenced. */
export interface FencedProducer {
  /** The transactional id. */
  readonly transactionalId: string;
  /** The producer id. */
  readonly producerId: number;
  /** The epoch that the fenced producer does not have. */
  readonly producerEpoch: number;
}

/** The names of ListTransactionsOptions. */
export const LIST_TRANSACTIONS_NAMES: Names<ListTransactionsOptions> = {
  ...OPERATION_NAMES,
  states: true,
  producerIds: true,
  minDurationMs: true,
  pattern: true,
};

/** The names of DescribeProducersOptions. */
export const DESCRIBE_PRODUCERS_NAMES: Names<DescribeProducersOptions> = {
  ...OPERATION_NAMES,
  brokerId: true,
};

/** The names of HangingTransaction. */
export const HANGING_NAMES: Names<HangingTransaction> = {
  topic: true,
  partition: true,
  producerId: true,
  producerEpoch: true,
  coordinatorEpoch: true,
};
