/**
 * The part of the admin client that looks after transactions.
 *
 * @module
 */

import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { ensureKnown } from "../ensure_known.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { SecurityAdmin } from "./security_admin.ts";
import {
  abortHanging,
  describeAllTransactions,
  describePartitionProducers,
  fenceAllProducers,
  listAllTransactions,
} from "./admin_transactions.ts";
import {
  DESCRIBE_PRODUCERS_NAMES,
  type DescribeProducersOptions,
  type FencedProducer,
  HANGING_NAMES,
  type HangingTransaction,
  LIST_TRANSACTIONS_NAMES,
  type ListTransactionsOptions,
  type PartitionProducers,
  type TransactionDescription,
  type TransactionListing,
} from "./transaction_types.ts";

/** Lists, describes and aborts transactions, and fences producers (KIP-664). */
export class TransactionAdmin extends SecurityAdmin {
  readonly #core: ClientCore;

  /** @ignore Use `client.admin()`. */
  constructor(core: ClientCore) {
    super(core);
    this.#core = core;
  }

  /**
   * Lists the transactional ids that coordinators know, with or without an open transaction.
   *
   * @param options Which ones, time limit and signal.
   * @returns The ids, in order.
   * @throws {UnsupportedVersionError} If the cluster does not have one of the filters.
   */
  async listTransactions(options: ListTransactionsOptions = {}): Promise<TransactionListing[]> {
    ensureKnown("listTransactions()", options, LIST_TRANSACTIONS_NAMES);
    return await listAllTransactions(this.#core, options);
  }

  /**
   * Describes transactional ids.
   *
   * @param transactionalIds The ids.
   * @param options Time limit and signal.
   * @returns The descriptions, in the order of the ids.
   * @throws {KafkaError} If an id is not known, with `TRANSACTIONAL_ID_NOT_FOUND`.
   */
  async describeTransactions(
    transactionalIds: readonly string[],
    options: OperationOptions = {},
  ): Promise<TransactionDescription[]> {
    ensureKnown("describeTransactions()", options, OPERATION_NAMES);
    return await describeAllTransactions(this.#core, transactionalIds, options);
  }

  /**
   * Describes the idempotent and transactional producers that partitions know.
   *
   * @param partitions The partitions.
   * @param options Which replicas to ask, time limit and signal.
   * @returns The producers of each partition, in the order of the partitions.
   * @throws {KafkaError} If a partition does not exist.
   */
  async describeProducers(
    partitions: readonly TopicPartition[],
    options: DescribeProducersOptions = {},
  ): Promise<PartitionProducers[]> {
    ensureKnown("describeProducers()", options, DESCRIBE_PRODUCERS_NAMES);
    return await describePartitionProducers(this.#core, partitions, options);
  }

  /**
   * Aborts a transaction that hangs in one partition: one that its coordinator does not know to be
   * open there, so that it would never end and hold back readers of committed messages.
   * `describeProducers()` has the producer id and the epochs.
   *
   * Do not use it for a transaction that is open at its coordinator, which `fenceProducers()` aborts
   * as a whole.
   *
   * @param transaction The partition, the producer and the epochs.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the epochs are not those of the producer, with `INVALID_PRODUCER_EPOCH` or
   * `TRANSACTION_COORDINATOR_FENCED`.
   */
  async abortTransaction(
    transaction: HangingTransaction,
    options: OperationOptions = {},
  ): Promise<void> {
    ensureKnown("abortTransaction()", transaction, HANGING_NAMES);
    ensureKnown("abortTransaction()", options, OPERATION_NAMES);
    await abortHanging(this.#core, transaction, options);
  }

  /**
   * Fences the producers of transactional ids: aborts their open transactions, and they can do
   * nothing more.
   *
   * @param transactionalIds The ids.
   * @param options Time limit and signal.
   * @returns The producer ids with their new epochs, in the order of the ids.
   * @throws {KafkaError} If a coordinator refuses.
   */
  async fenceProducers(
    transactionalIds: readonly string[],
    options: OperationOptions = {},
  ): Promise<FencedProducer[]> {
    ensureKnown("fenceProducers()", options, OPERATION_NAMES);
    return await fenceAllProducers(this.#core, transactionalIds, options);
  }
}
