/**
 * Which timestamps of producers a log takes: those from `message.timestamp.before.max.ms` before the
 * append to `message.timestamp.after.max.ms` after it.
 *
 * @module
 */

import type { LogConfig } from "../log/log_config.ts";

const TWO_POW_63 = 2 ** 63;
const TWO_POW_64 = 2 ** 64;

/** The timestamp that stands for none. */
const NONE = -1;

/**
 * Whether a record's timestamp is outside of what the log takes. Reckons in 64 bits as Kafka does, so
 * that `Long.MIN_VALUE`, from which now is more than an int64 away, lies in the future.
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
