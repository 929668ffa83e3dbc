/**
 * How logs are opened and created.
 *
 * @module
 */

import type { LoadOptions } from "./loading/loaded_log.ts";

/** The state of a log as known from the checkpoints, before it is opened. */
export interface LogOpenOptions
  extends Omit<LoadOptions, "indexIntervalBytes" | "producerIdExpirationMs"> {
  /** The first offset that has not been cleaned. */
  readonly firstDirtyOffset: number;
}

/** How to create a log. */
export interface NewLogOptions {
  readonly nowMs: number;
  /**
   * Whether the data folder's checkpoints on disk may still list an earlier log of the same name.
   */
  readonly hasUnsyncedCheckpoints: boolean;
}
