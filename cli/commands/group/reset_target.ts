/**
 * Where `--to` sets a group: a place, an offset, a time, or a distance from where the group is.
 *
 * @module
 */

import type { GroupOffsetTarget } from "../../../client/mod.ts";
import { parseTime } from "../../records/offset_spec.ts";

/**
 * Reads what `--to` says. `+N` and `-N` count from the committed offset, so they say something else than
 * in `--offset`.
 *
 * @param text such as `earliest`, `latest`, `42`, `-10` or `@-1h`
 * @param nowMs the time durations count from, in milliseconds since the epoch
 * @throws {SyntaxError} if it does not say a place
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
