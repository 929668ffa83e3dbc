/**
 * AddPartitionsToTxn, AddOffsetsToTxn, and what brokers add for Produce and TxnOffsetCommit: partitions
 * become part of a transaction, the first of which begins it (KIP-98, KIP-890).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { answer, type Decision, refuse } from "./decision.ts";
import {
  isNextProducer,
  isPrepared,
  type KnownTransaction,
  type Producer,
  type Transaction,
  TransactionState,
} from "./transaction.ts";
import { hasPartition, type TopicPartition, withPartitions } from "./transaction_partitions.ts";

/** A request to add partitions. */
export interface AddRequest extends Producer {
  readonly partitions: readonly TopicPartition[];
  /** 2 for the flow that bumps the epoch with every transaction, otherwise 0. */
  readonly clientVersion: number;
}

/**
 * Adds partitions. A state that is being written comes first, or a producer would fence itself when its
 * id is rotated (KAFKA-18660).
 */
export function decideAdd(
  { current, isPending }: KnownTransaction,
  request: AddRequest,
  nowMs: number,
): Decision {
  if (isPending) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  const problem = problemOf(current, request);
  if (problem !== ErrorCode.NONE) return refuse(problem);
  const { state, partitions, startMs } = current!;
  const isOngoing = state === TransactionState.ongoing;
  const union = withPartitions(partitions, request.partitions);
  if (isOngoing && union === partitions) return answer();
  const next: Transaction = {
    ...current!,
    state: TransactionState.ongoing,
    partitions: union,
    startMs: isOngoing ? startMs : nowMs,
    updateMs: nowMs,
    clientVersion: request.clientVersion,
    isFenced: false,
  };
  return { ...answer(), next };
}

/**
 * Says for each partition whether it is part of the transaction: 0, or TRANSACTION_ABORTABLE. A state
 * that is being written does not matter (KAFKA-14904).
 */
export function verify(
  { current }: KnownTransaction,
  request: Producer & { readonly partitions: readonly TopicPartition[] },
): number[] {
  const problem = problemOf(current, request);
  return request.partitions.map((partition) => {
    if (problem !== ErrorCode.NONE) return problem;
    return hasPartition(current!.partitions, partition)
      ? ErrorCode.NONE
      : ErrorCode.TRANSACTION_ABORTABLE;
  });
}

function problemOf(
  current: Transaction | undefined,
  producer: Producer,
): number {
  if (current === undefined) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  if (isNextProducer(current, producer)) return ErrorCode.CONCURRENT_TRANSACTIONS;
  if (current.producerId !== producer.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  if (current.producerEpoch !== producer.producerEpoch) return ErrorCode.PRODUCER_FENCED;
  return isPrepared(current) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE;
}
