/**
 * EndTxn, timeouts and fencing: how a transaction ends.
 *
 * It is prepared first: once that is committed, its markers are written, and then it is complete. Up to
 * version 4 of EndTxn the producer keeps its epoch. From version 5 (KIP-890) each transaction ends with
 * another one, which the markers have, so that nothing of the transaction can be written after them. The
 * request has the epoch before, which distinguishes a repeated one from the end of the next transaction.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { answer, type Decision, NEEDS_PRODUCER_ID, refuse } from "./decision.ts";
import {
  EXHAUSTED_EPOCH,
  isNextProducer,
  isPrepared,
  type KnownTransaction,
  LAST_EPOCH,
  NONE,
  type Producer,
  type Transaction,
  TRANSACTION_V2,
  TransactionState,
} from "./transaction.ts";
import { NO_PARTITIONS } from "./transaction_partitions.ts";

/** What the coordinator reads in EndTxn. */
export interface EndRequest extends Producer {
  readonly isCommit: boolean;
}

/** The result of a transaction that ends or has ended. */
type Ended = Exclude<
  TransactionState,
  typeof TransactionState.empty | typeof TransactionState.ongoing
>;

/** Ends a transaction without another epoch: EndTxn up to version 4. */
export function decideEnd(
  { current, isPending }: KnownTransaction,
  request: EndRequest,
  nowMs: number,
): Decision {
  const { producerId, producerEpoch, isCommit } = request;
  if (isPending) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (current === undefined) return refuse(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  if (isNextProducer(current, request)) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (current.producerId !== producerId) return refuse(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  if (current.producerEpoch !== producerEpoch) return refuse(ErrorCode.PRODUCER_FENCED);
  switch (current.state) {
    case TransactionState.empty:
      return refuse(ErrorCode.INVALID_TXN_STATE);
    case TransactionState.ongoing:
      return { ...answer(), next: { ...prepare(current, isCommit, nowMs), clientVersion: 0 } };
    default:
      return isCommitted(current.state) === isCommit
        ? repeated(current)
        : refuse(ErrorCode.INVALID_TXN_STATE);
  }
}

/**
 * Ends a transaction with another epoch: EndTxn from version 5. An abort may be of nothing.
 *
 * @param newProducerId Needed where epochs are exhausted.
 */
export function decideEndV2(
  { current, isPending }: KnownTransaction,
  request: EndRequest,
  nowMs: number,
  newProducerId: number | undefined,
): Decision | typeof NEEDS_PRODUCER_ID {
  if (isPending) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (current === undefined) return refuse(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  const { producerId, producerEpoch, isCommit } = request;
  if (isNextProducer(current, request)) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  const isAfterRotation = current.producerEpoch === 0 && producerEpoch === LAST_EPOCH &&
    producerId === current.previousProducerId;
  if (producerId !== current.producerId && !isAfterRotation) {
    return refuse(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  }
  const { state, lastProducerEpoch } = current;
  // Kafka does not compare the last epoch, and so gives the pair to an instance that was fenced.
  const isRepeated = producerEpoch === lastProducerEpoch &&
    (isAfterRotation || producerEpoch + 1 === current.producerEpoch);
  if (isRepeated && state !== TransactionState.empty && state !== TransactionState.ongoing) {
    return decideRepeated(current, state, isCommit);
  }
  const isCurrent = producerId === current.producerId && producerEpoch === current.producerEpoch;
  if (!isCurrent) return refuse(ErrorCode.PRODUCER_FENCED);
  // It is the next transaction that ends, of a producer that has its pair already (KAFKA-18464).
  if (isPrepared(current)) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (state !== TransactionState.ongoing && isCommit) return refuse(ErrorCode.INVALID_TXN_STATE);
  const isExhausted = producerEpoch >= LAST_EPOCH;
  if (isExhausted && newProducerId === undefined) return NEEDS_PRODUCER_ID;
  const next = {
    ...prepare(current, isCommit, nowMs),
    ...bumped(current),
    nextProducerId: isExhausted ? newProducerId! : NONE,
    clientVersion: TRANSACTION_V2,
  };
  return { ...answer(isExhausted ? { producerId: newProducerId!, producerEpoch: 0 } : next), next };
}

function decideRepeated(current: Transaction, state: Ended, isCommit: boolean): Decision {
  if (isCommitted(state) !== isCommit) {
    // Kafka answered INVALID_TXN_STATE to what the coordinator had aborted, which clients take for a
    // fault of theirs (KAFKA-20785).
    return refuse(
      isCommit && current.isFenced ? ErrorCode.PRODUCER_FENCED : ErrorCode.INVALID_TXN_STATE,
    );
  }
  // No producer gets this epoch: only another instance, or a new pair, helps.
  const isExhausted = current.producerEpoch === EXHAUSTED_EPOCH && !isPrepared(current);
  return isExhausted ? refuse(ErrorCode.PRODUCER_FENCED) : repeated(current);
}

/**
 * Aborts an Ongoing transaction whose producer is given up: it took too long, or another instance has
 * begun. The epoch is bumped once, and by the abort itself (KAFKA-19367, KAFKA-9666).
 */
export function fence(current: Transaction, nowMs: number): Transaction {
  return { ...prepare(current, false, nowMs), ...bumped(current), isFenced: true };
}

/** Completes a prepared transaction whose markers are written. */
export function complete(current: Transaction, nowMs: number): Transaction {
  const { state, producerId, nextProducerId } = current;
  const rotated = nextProducerId === NONE ? {} : {
    producerId: nextProducerId,
    producerEpoch: 0,
    previousProducerId: producerId,
    nextProducerId: NONE,
  };
  return {
    ...current,
    ...rotated,
    state: state === TransactionState.prepareCommit
      ? TransactionState.completeCommit
      : TransactionState.completeAbort,
    partitions: NO_PARTITIONS,
    updateMs: nowMs,
  };
}

/** Whether a state is of a transaction that is, or is being, committed. */
export function isCommitted(state: TransactionState): boolean {
  return state === TransactionState.prepareCommit || state === TransactionState.completeCommit;
}

/** The answer to a request that repeats one that was carried out. */
function repeated(current: Transaction): Decision {
  return isPrepared(current) ? refuse(ErrorCode.CONCURRENT_TRANSACTIONS) : answer(current);
}

function prepare(current: Transaction, isCommit: boolean, nowMs: number): Transaction {
  const isOngoing = current.state === TransactionState.ongoing;
  return {
    ...current,
    state: isCommit ? TransactionState.prepareCommit : TransactionState.prepareAbort,
    nextProducerId: NONE,
    // An abort of nothing has not begun before.
    startMs: isOngoing ? current.startMs : nowMs,
    updateMs: nowMs,
    isFenced: false,
  };
}

function bumped({ producerEpoch }: Transaction) {
  return {
    producerEpoch: Math.min(producerEpoch + 1, EXHAUSTED_EPOCH),
    lastProducerEpoch: producerEpoch,
  };
}
