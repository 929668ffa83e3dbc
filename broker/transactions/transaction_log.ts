/**
 * Stores the transactional ids of one coordinator partition.
 *
 * @module
 */

import type { TransactionRecord } from "./records/transaction_record.ts";

/** The log of one coordinator partition. */
export interface TransactionLog {
  /**
   * Appends a record.
   *
   * @returns A promise that resolves when it is committed and rejects if it is lost; `undefined` if it is
   * committed already.
   * @throws {Error} If it could not be appended.
   */
  append(record: TransactionRecord, nowMs: number): Promise<void> | undefined;
  /**
   * Reads all records in order.
   *
   * @throws {Error} If the log cannot be read, or the signal's reason.
   */
  replay(visit: (record: TransactionRecord) => void, signal: AbortSignal): Promise<void>;
}
