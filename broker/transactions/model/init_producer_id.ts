/**
 * InitProducerId: a producer takes over a transactional id (KIP-98, KIP-360, KIP-588, KIP-890).
 *
 * A producer without a pair is a new instance: it fences the one before, whose open transaction is
 * aborted first. With the pair that it has, a producer continues after an error; a repeated request is
 * answered alike. Unlike in Kafka, a pair with another epoch never aborts an open transaction.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { answer, type Decision, NEEDS_PRODUCER_ID, refuse } from "./decision.ts";
import { fence } from "./end_transaction.ts";
import {
  EXHAUSTED_EPOCH,
  isNextProducer,
  type KnownTransaction,
  LAST_EPOCH,
  NONE,
  type Producer,
  type Transaction,
  TransactionState,
} from "./transaction.ts";
import { NO_PARTITIONS } from "./transaction_partitions.ts";

/** What the coordinator reads in InitProducerId. */
export interface InitRequest {
  readonly timeoutMs: number;
  /** The pair that the producer has. Undefined: it is a new instance. */
  readonly producer: Producer | undefined;
}

/** @param newProducerId Needed for a new id, and where epochs are exhausted. */
export function decideInit(
  { current, isPending }: KnownTransaction,
  { timeoutMs, producer }: InitRequest,
  nowMs: number,
  newProducerId: number | undefined,
): Decision | typeof NEEDS_PRODUCER_ID {
  if (isPending) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (current === undefined) {
    if (newProducerId === undefined) return NEEDS_PRODUCER_ID;
    const first = { producerId: newProducerId, producerEpoch: 0 };
    return begin({ ...NEW, ...first, timeoutMs, updateMs: nowMs });
  }
  if (producer !== undefined && isNextProducer(current, producer)) {
    return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
  }
  if (producer !== undefined && !isProducerOf(current, producer)) {
    return refuse(ErrorCode.PRODUCER_FENCED);
  }
  switch (current.state) {
    case TransactionState.prepareCommit:
    case TransactionState.prepareAbort:
      return refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
    case TransactionState.ongoing:
      if (producer !== undefined && producer.producerEpoch !== current.producerEpoch) {
        return refuse(ErrorCode.PRODUCER_FENCED);
      }
      // The client asks again, and gets the pair after that of the abort.
      return { ...refuse(ErrorCode.CONCURRENT_TRANSACTIONS), next: fence(current, nowMs) };
  }
  const empty = {
    ...current,
    state: TransactionState.empty,
    timeoutMs,
    partitions: NO_PARTITIONS,
    startMs: NONE,
    updateMs: nowMs,
    isFenced: false,
  };
  const { producerId, producerEpoch } = current;
  const isRepeated = producer !== undefined && isLastProducer(current, producer);
  if (isRepeated && producerEpoch < EXHAUSTED_EPOCH) return begin(empty);
  if (producer !== undefined && !isRepeated && producer.producerEpoch !== producerEpoch) {
    return refuse(ErrorCode.PRODUCER_FENCED);
  }
  const lastProducerEpoch = producer?.producerEpoch ?? NONE;
  if (producerEpoch < LAST_EPOCH) {
    return begin({ ...empty, producerEpoch: producerEpoch + 1, lastProducerEpoch });
  }
  if (newProducerId === undefined) return NEEDS_PRODUCER_ID;
  const rotated = { producerId: newProducerId, producerEpoch: 0, previousProducerId: producerId };
  return begin({ ...empty, ...rotated, lastProducerEpoch });
}

const NEW: Omit<Transaction, "producerId" | "producerEpoch" | "timeoutMs" | "updateMs"> = {
  state: TransactionState.empty,
  lastProducerEpoch: NONE,
  previousProducerId: NONE,
  nextProducerId: NONE,
  partitions: NO_PARTITIONS,
  startMs: NONE,
  clientVersion: 0,
  isFenced: false,
};

function begin(next: Transaction): Decision {
  return { ...answer(next), next };
}

/** Whether a pair can be this producer's: of its id, or the last one of the id before. */
function isProducerOf(current: Transaction, { producerId, producerEpoch }: Producer): boolean {
  if (producerId === current.producerId) return true;
  return producerId === current.previousProducerId && producerEpoch >= LAST_EPOCH;
}

/** Whether a pair is the one that the producer had before, so that it repeats a request. */
function isLastProducer(current: Transaction, { producerId, producerEpoch }: Producer): boolean {
  if (producerEpoch !== current.lastProducerEpoch) return false;
  return producerId ===
    (current.producerEpoch === 0 ? current.previousProducerId : current.producerId);
}
