/**
 * What the coordinator knows of a transactional id, and the questions that it alone answers.
 *
 * @module
 */

import type { TransactionPartitions } from "./transaction_partitions.ts";

/** The states of a transactional id, as numbered in `__transaction_state`. */
export const TransactionState = {
  empty: 0,
  ongoing: 1,
  prepareCommit: 2,
  prepareAbort: 3,
  completeCommit: 4,
  completeAbort: 5,
} as const;

/** A state of a transactional id. */
export type TransactionState = typeof TransactionState[keyof typeof TransactionState];

/** Kafka's names of the states, by number. */
export const STATE_NAMES = [
  "Empty",
  "Ongoing",
  "PrepareCommit",
  "PrepareAbort",
  "CompleteCommit",
  "CompleteAbort",
] as const;

/** Stands for no producer id and no epoch. */
export const NONE = -1;
/** The last epoch that a producer ever gets. The next one is left for fencing it. */
export const LAST_EPOCH = 32_766;
/** The epoch that a fenced producer, or the marker of its last transaction, has after the last one. */
export const EXHAUSTED_EPOCH = 32_767;
/** The client version of the flow that bumps the epoch with every transaction (KIP-890). */
export const TRANSACTION_V2 = 2;

/** A producer id with an epoch. */
export interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** The state of a transactional id. Immutable: a transition creates another. */
export interface Transaction extends Producer {
  readonly state: TransactionState;
  /**
   * The epoch that the producer had before, which a repeated request still has; −1 if another
   * producer may have had it. At epoch 0 it belongs to `previousProducerId`.
   */
  readonly lastProducerEpoch: number;
  /** The producer id before the last rotation, −1 for none. */
  readonly previousProducerId: number;
  /** While a transaction that exhausts the epochs ends: the next producer id. −1 for none. */
  readonly nextProducerId: number;
  /** Milliseconds that a transaction may take. */
  readonly timeoutMs: number;
  /** What is part of the transaction. */
  readonly partitions: TransactionPartitions;
  /** When the last transaction began, in milliseconds since the epoch; −1 for none. */
  readonly startMs: number;
  /** Time of the last transition, in milliseconds since the epoch. */
  readonly updateMs: number;
  /** The flow of the last request: 2 bumps the epoch with every transaction. */
  readonly clientVersion: number;
  /** Whether the coordinator aborted the last transaction: its producer had not asked for it. */
  readonly isFenced: boolean;
}

/** What decisions are based on. */
export interface KnownTransaction {
  /** The state that is committed; undefined if the transactional id is unknown. */
  readonly current: Transaction | undefined;
  /** Whether the next state is being written. */
  readonly isPending: boolean;
}

/** Whether the transaction waits for its markers. */
export function isPrepared({ state }: Pick<Transaction, "state">): boolean {
  return state === TransactionState.prepareCommit || state === TransactionState.prepareAbort;
}

/**
 * Whether a pair is the next one of a producer whose transaction exhausts the epochs. It is told with the
 * answer to the commit or abort, before all markers are written, so that it may come before it counts.
 */
export function isNextProducer(
  current: Transaction,
  { producerId, producerEpoch }: Producer,
): boolean {
  return isPrepared(current) && producerId === current.nextProducerId && producerEpoch === 0;
}

/** Whether an Ongoing transaction has taken longer than its timeout. */
export function isTimedOut({ state, startMs, timeoutMs }: Transaction, nowMs: number): boolean {
  return state === TransactionState.ongoing && startMs + timeoutMs < nowMs;
}

/** Whether a transactional id has not been used for `expirationMs`. */
export function isExpired(
  { state, updateMs }: Transaction,
  expirationMs: number,
  nowMs: number,
): boolean {
  const isIdle = state === TransactionState.empty || state >= TransactionState.completeCommit;
  return isIdle && updateMs + expirationMs <= nowMs;
}
