/**
 * Stores the groups of one coordinator partition.
 *
 * @module
 */

import type { Verification } from "../../storage/log/producers/mod.ts";
import type { GroupRecord } from "./records/group_record.ts";

/** The producer whose transaction records belong to. */
export interface GroupTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** What `GroupLog.startVerification` returned before the transaction's coordinator was asked. */
  readonly verification?: Verification | undefined;
}

/** Options of an append. */
export interface GroupAppendOptions {
  readonly nowMs: number;
  /**
   * Whether the records must survive a crash together or not at all. Otherwise they may be split
   * into several batches, the last of which may be lost.
   */
  readonly atomic: boolean;
  /** The transaction that the records belong to. Default: none. */
  readonly transaction?: GroupTransaction | undefined;
}

/** The result of an append. */
export interface GroupAppend {
  /** The offset of the first record; the others follow it. */
  readonly firstOffset: number;
  /**
   * Resolves when the records are durable and rejects if they are lost; `undefined` if they are
   * durable already.
   */
  readonly committed: Promise<void> | undefined;
}

/** The place of a record in the log. */
export interface RecordPlace {
  readonly offset: number;
  /** The producer of the transaction that the record belongs to, {@linkcode NO_PRODUCER} if none. */
  readonly producerId: number;
}

/** The producer id of records outside transactions. */
export const NO_PRODUCER = -1;

/** Visits the contents of a log in order. */
export interface GroupLogVisitor {
  /** Visits a record. */
  record(record: GroupRecord, place: RecordPlace): void;
  /** Visits the end of a producer's transaction. */
  endTransaction(producerId: number, isCommit: boolean): void;
}

/** The log of one coordinator partition. */
export interface GroupLog {
  /**
   * Announces records of a transaction before its coordinator is asked (KIP-890).
   *
   * @returns `undefined` if the transaction is open in the log, so that nothing need be asked.
   */
  startVerification(producerId: number, producerEpoch: number): Verification | undefined;
  /**
   * Appends at least one record.
   *
   * @throws {Error} If they could not be appended.
   */
  append(records: readonly GroupRecord[], options: GroupAppendOptions): GroupAppend;
  /**
   * Reads all records and ends of transactions in order.
   *
   * @throws {Error} If the log cannot be read, or the signal's reason.
   */
  replay(visitor: GroupLogVisitor, signal: AbortSignal): Promise<void>;
}
