/**
 * The logs that a data folder should have, according to a log in it that lists them.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

/** Reads the batches of one log, and then knows the expected logs. */
export interface ExpectedLogs {
  /** Name of the log that lists the others; undefined if it is in another folder. */
  readonly source: string | undefined;
  /** Whether its records could be read. */
  readonly isKnown: boolean;
  /** Takes the next valid batch of that log. Records before the log start offset are ignored. */
  batch(batch: RecordBatch, logStartOffset: number): void;
  /** All expected logs. */
  logs(): Iterable<{ readonly name: string; readonly topicId: string }>;
  /** The topic id of an expected log of this name, if there is one. */
  topicIdOf(name: string): string | undefined;
  /** Whether the topic with this id was deleted, and its logs may still exist. */
  isDeletedTopic(topicId: string): boolean;
  /** Whether a deleted topic that may still have traces had a log of this name. */
  hadDeletedTopic(name: string): boolean;
}
