/**
 * The target of `group reset-offsets --to`: a position, an offset, a time, or a shift.
 *
 * @module
 */

import type { GroupOffsetTarget } from "../../../client/mod.ts";
import { parseTime } from "../../../client/text/offset_spec.ts";

/**
 * Parses the value of `--to`. `+N` and `-N` are relative to the committed offset, unlike in
 * `--offset`.
 *
 * @param text Such as `earliest`, `latest`, `42`, `-10` or `@-1h`.
 * @param nowMs The time that durations are relative to, in milliseconds since the epoch.
 * @throws {SyntaxError} If it is not a target.
 */
export function parseResetTarget(text: string, nowMs: number): GroupOffsetTarget {
  if (text === "earliest" || text === "start") return "earliest";
  if (text === "latest" || text === "end") return "latest";
  if (text.startsWith("@")) return { timestamp: Math.max(0, parseTime(text.slice(1), nowMs)) };
  if (!/^[+-]?\d+$/.test(text)) {
    throw new SyntaxError(
      `Cannot read "${text}": expected earliest, latest, an offset, @TIME, +N or -N`,
    );
  }
  const number = Number(text);
  if (!Number.isSafeInteger(number)) {
    throw new SyntaxError(`Cannot read "${text}": it is beyond 2^53-1`);
  }
  return /^\d/.test(text) ? number : { shift: number };
}
