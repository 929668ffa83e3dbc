/**
 * The accepted timestamps of producers: from `message.timestamp.before.max.ms` before the append to
 * `message.timestamp.after.max.ms` after it.
 *
 * @module
 */

import type { LogConfig } from "../log/log_config.ts";

const TWO_POW_63 = 2 ** 63;
const TWO_POW_64 = 2 ** 64;

/** The timestamp that means "none". */
const NONE = -1;

/**
 * Whether a record's timestamp is outside the accepted range. Computes in 64 bits with overflow, as
 * Kafka does: `Long.MIN_VALUE`, whose age exceeds an int64, lies in the future.
 */
export function isTimestampOutOfRange(
  timestamp: number,
  config: Pick<LogConfig, "messageTimestampBeforeMaxMs" | "messageTimestampAfterMaxMs">,
  nowMs: number,
): boolean {
  if (timestamp === NONE) return false;
  let ageMs = nowMs - timestamp;
  if (ageMs >= TWO_POW_63) ageMs -= TWO_POW_64;
  return ageMs > config.messageTimestampBeforeMaxMs || -ageMs > config.messageTimestampAfterMaxMs;
}
