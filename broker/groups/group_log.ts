/**
 * Stores the groups of one coordinator partition.
 *
 * @module
 */

import type { GroupRecord } from "./records/group_record.ts";

/** Options of an append. */
export interface GroupAppendOptions {
  readonly nowMs: number;
  /**
   * Whether the records must survive a crash together or not at all. Otherwise they may be split
   * into several batches, the last of which may be lost.
   */
  readonly atomic: boolean;
}

/** The log of one coordinator partition. */
export interface GroupLog {
  /**
   * Appends records.
   *
   * @returns A promise that resolves when they are durable and rejects if they are lost;
   * `undefined` if they are durable already.
   * @throws {Error} If they could not be appended.
   */
  append(records: readonly GroupRecord[], options: GroupAppendOptions): Promise<void> | undefined;
  /**
   * Reads all records in order.
   *
   * @throws {Error} If the log cannot be read, or the signal's reason.
   */
  replay(visit: (record: GroupRecord) => void, signal: AbortSignal): Promise<void>;
}
