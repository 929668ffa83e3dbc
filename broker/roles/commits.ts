/**
 * Commits the appends of a leader.
 *
 * @module
 */

import type { Acks } from "../../protocol/messages/records/produce.ts";

/** Commits appends, and advances the high watermark. */
export interface Commits {
  /**
   * Makes an append visible, immediately or when the returned promise resolves, which is also when
   * it can be acknowledged.
   *
   * @param isPatient Whether to wait even while too few replicas are in sync.
   */
  commit(
    firstOffset: number,
    endOffset: number,
    acks: Acks,
    isPatient: boolean,
  ): Promise<void> | undefined;
  /** Fails everything that waits. */
  end(error: unknown): void;
}
