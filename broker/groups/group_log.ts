/**
 * Where the groups of one coordinator partition are written down.
 *
 * @module
 */

import type { GroupRecord } from "./records/group_record.ts";

/** How records are appended. */
export interface GroupAppendOptions {
  readonly nowMs: number;
  /**
   * Whether a crash must leave all of them or none. If not, they may be spread over several batches, of
   * which the last may be missing.
   */
  readonly atomic: boolean;
}

/** The log of one coordinator partition. */
export interface GroupLog {
  /**
   * Appends records.
   *
   * @returns A promise that resolves when they are durable, and rejects if they will not be;
   *   `undefined` if they are already.
   * @throws {Error} If they could not be appended.
   */
  append(records: readonly GroupRecord[], options: GroupAppendOptions): Promise<void> | undefined;
  /**
   * Reads everything that is in the log, in order.
   *
   * @throws {Error} If the log cannot be read, or the signal's reason.
   */
  replay(visit: (record: GroupRecord) => void, signal: AbortSignal): Promise<void>;
}
