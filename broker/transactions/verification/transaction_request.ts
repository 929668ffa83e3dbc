/**
 * A question to a transaction coordinator.
 *
 * @module
 */

/** A transaction, as its producer knows it. */
export interface ProducerTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Whether partitions must have been added before; otherwise they are added (KIP-890, part 2). */
  readonly isVerifyOnly: boolean;
}

/** A partition of a topic. */
export interface PartitionName {
  readonly topic: string;
  readonly index: number;
}

/** Verifies partitions of a transaction, or adds them. */
export interface TransactionRequest extends ProducerTransaction {
  readonly partitions: readonly PartitionName[];
}

/** The coordinators of transactions, one of which may be in this process. */
export interface TransactionCoordinators {
  /** The broker that coordinates a transactional id; `undefined` if there is none now. */
  coordinatorOf(transactionalId: string): number | undefined;
  /**
   * Verifies or adds partitions, if the coordinator is in this process. What is added is durable.
   *
   * @returns For each request the error codes of its partitions, in their order.
   */
  verifyOrAdd(requests: readonly TransactionRequest[]): Promise<readonly (readonly number[])[]>;
  /**
   * Resolves when nothing is being written for a transactional id, and its last transaction has
   * ended everywhere, or the signal is aborted; `undefined` if it is settled. Only for the coordinator
   * in this process.
   */
  whenSettled(transactionalId: string, signal: AbortSignal): Promise<void> | undefined;
}
