/**
 * What logs there should be in a data folder, by a log in it that says so.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

/** Follows the batches of one log, and knows then of which topics there should be logs. */
export interface ExpectedLogs {
  /** Name of the log that says so. */
  readonly source: string;
  /** Whether that could be understood. */
  readonly isKnown: boolean;
  /** Takes the next sound batch of that log. Records before the log start offset do not count. */
  batch(batch: RecordBatch, logStartOffset: number): void;
  /** All logs that there should be. */
  logs(): Iterable<{ readonly name: string; readonly topicId: string }>;
  /** The id of the topic that a log of this name belongs to, if there should be one. */
  topicIdOf(name: string): string | undefined;
  /** Whether there may still be logs of a topic with this id, though it was deleted. */
  isDeletedTopic(topicId: string): boolean;
  /** Whether a deleted topic, of which there may be traces, had a log of this name. */
  hadDeletedTopic(name: string): boolean;
}
