/**
 * Where leader epochs begin and end in a leader's log (KIP-320).
 *
 * @module
 */

import type { Log } from "../../storage/log.ts";
import type { EpochEndOffset } from "./partition_options.ts";

const UNKNOWN: EpochEndOffset = { epoch: -1, endOffset: -1 };

/**
 * The largest epoch up to `epoch` and its end offset.
 *
 * @param leaderEpoch The current epoch.
 */
export function endOffsetForEpoch(log: Log, leaderEpoch: number, epoch: number): EpochEndOffset {
  const { latestEpoch, logEndOffset } = log;
  if (epoch === leaderEpoch) return { epoch, endOffset: logEndOffset };
  if (epoch < 0 || epoch > leaderEpoch) return UNKNOWN;
  if (epoch > latestEpoch) {
    return latestEpoch < 0 ? UNKNOWN : { epoch: latestEpoch, endOffset: logEndOffset };
  }
  const end = log.endOffsetForEpoch(epoch);
  return end === undefined ? UNKNOWN : { epoch: end.leaderEpoch, endOffset: end.offset };
}

/** The epoch of the first record, or of the next one if the log is empty. */
export function firstEpoch(log: Log, leaderEpoch: number): number {
  const { logStartOffset, logEndOffset, latestEpoch } = log;
  if (logStartOffset === logEndOffset) return leaderEpoch;
  let low = 0;
  let high = latestEpoch;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const end = log.endOffsetForEpoch(middle);
    if (end !== undefined && end.offset > logStartOffset) high = middle;
    else low = middle + 1;
  }
  return high;
}
