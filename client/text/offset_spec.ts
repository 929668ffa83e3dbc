/**
 * Where to start and stop reading, as given by `--offset`:
 *
 * | written | means |
 * | --- | --- |
 * | `start`, `end` | the first offset there is, the next one to be written |
 * | `N`, `+N`, `-N` | offset N, N after the start, N before the end |
 * | `A:B` | from A up to, not including, B; either may be missing and may be any of the above |
 * | `:end` | up to what is there now |
 * | `@T` | the first record at or after T |
 * | `@T1:T2` | from T1 up to, not including, T2; T2 may be `end` |
 *
 * T is seconds or milliseconds since the epoch, a date, an RFC 3339 time (UTC without a zone) or a
 * duration before now: `@-1h:end`. T2 may also be a duration after T1: `@2024-02-14:1h`.
 *
 * @module
 */

import { parseDuration } from "./duration.ts";

/** A position in a partition, not yet resolved to an offset. */
export type OffsetPosition =
  /** `plus` after the log start offset. */
  | { readonly type: "start"; readonly plus: number }
  /** `minus` before the log end offset. */
  | { readonly type: "end"; readonly minus: number }
  /** Exactly this offset. */
  | { readonly type: "offset"; readonly offset: number }
  /** The first record at or after a time, in milliseconds since the epoch. */
  | { readonly type: "time"; readonly timestamp: number };

/** Where to start and stop reading each partition. */
export interface OffsetSpec {
  readonly from: OffsetPosition;
  /** End of reading, exclusive; undefined to continue with new records. */
  readonly to: OffsetPosition | undefined;
}

const START: OffsetPosition = { type: "start", plus: 0 };
const END: OffsetPosition = { type: "end", minus: 0 };
/** Eleven digits of seconds are the year 5138, of milliseconds 1973. */
const MIN_MS_DIGITS = 12;
/** Names in other tools. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  beginning: "start",
  earliest: "start",
  oldest: "start",
  smallest: "start",
  latest: "end",
  largest: "end",
  newest: "end",
};
/** A time up to the end or the colon of a range; RFC 3339 itself contains colons. */
const TIME = new RegExp(
  "^(?:(?<now>end)|(?<sign>-?)(?<duration>(?:\\d+(?:\\.\\d+)?[a-z]+)+)|(?<epoch>\\d+)|" +
    "(?<date>\\d{4}-\\d\\d-\\d\\d)(?:[Tt ](?<time>\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d+)?)?)" +
    "(?<zone>[Zz]|[+-]\\d\\d:\\d\\d)?)?)(?=:|$)",
);

/**
 * Parses the value of `--offset`.
 *
 * @param text Such as `start`, `-10`, `100:200` or `@-1h:end`.
 * @param nowMs The time that durations are relative to, in milliseconds since the epoch.
 * @throws {SyntaxError} If it is invalid. @throws {RangeError} If it ends before it starts.
 */
export function parseOffsetSpec(text: string, nowMs: number): OffsetSpec {
  const spec = text.startsWith("@") ? parseTimes(text, nowMs) : parseOffsets(text);
  if (spec.to !== undefined && isBefore(spec.to, spec.from)) {
    throw new RangeError(`Cannot read offset "${text}": it ends before it starts`);
  }
  return spec;
}

/**
 * Parses a time: seconds or milliseconds since the epoch, a date, RFC 3339, or a duration before
 * now.
 *
 * @param text Such as `1735600000`, `2024-12-30`, `2024-12-30T23:06:40Z` or `-1h`.
 * @param nowMs Now, in milliseconds since the epoch.
 * @returns Milliseconds since the epoch.
 * @throws {SyntaxError} If it is not a time.
 */
export function parseTime(text: string, nowMs: number): number {
  const time = readTime(text, text, nowMs);
  if (time.length !== text.length || time.isEnd) throw notATime(text);
  if (time.forwardMs !== undefined) throw forwardFromNow(text);
  return time.timestamp;
}

function parseOffsets(text: string): OffsetSpec {
  const colon = text.indexOf(":");
  if (colon === -1) return { from: parsePosition(text, text), to: undefined };
  const [from, to] = [text.slice(0, colon), text.slice(colon + 1)];
  if (from === "" && to === "") throw notAnOffset(text, "it has neither start nor end");
  return {
    from: from === "" ? START : parsePosition(from, text),
    to: to === "" ? undefined : parsePosition(to, text),
  };
}

function parsePosition(part: string, text: string): OffsetPosition {
  if (part === "start") return START;
  if (part === "end") return END;
  if (!/^[+-]?\d+$/.test(part)) {
    const word = OTHER_WORDS[part];
    throw notAnOffset(
      text,
      word === undefined
        ? `"${part}" is not one of start, end, N, +N, -N, A:B, @T`
        : `"${part}" is "${word}" here`,
    );
  }
  const number = Math.abs(Number(part));
  if (!Number.isSafeInteger(number)) throw notAnOffset(text, `${part} is beyond 2^53-1`);
  if (part.startsWith("+")) return { type: "start", plus: number };
  if (part.startsWith("-")) return { type: "end", minus: number };
  return { type: "offset", offset: number };
}

function parseTimes(text: string, nowMs: number): OffsetSpec {
  let rest = text.slice(1);
  let from = START;
  if (!rest.startsWith(":")) {
    const time = readTime(rest, text, nowMs);
    if (time.isEnd) throw notAnOffset(text, 'the start time is "end", use "end"');
    if (time.forwardMs !== undefined) throw forwardFromNow(rest.slice(0, time.length));
    from = { type: "time", timestamp: time.timestamp };
    rest = rest.slice(time.length);
  } else if (rest === ":") {
    throw notAnOffset(text, "it has neither start nor end");
  }
  if (rest === "" || rest === ":") return { from, to: undefined };
  const time = readTime(rest.slice(1), text, nowMs);
  if (time.length !== rest.length - 1) {
    throw notAnOffset(text, `"${rest.slice(1)}" is not one time`);
  }
  if (time.isEnd) return { from, to: END };
  if (time.forwardMs === undefined) {
    return { from, to: { type: "time", timestamp: time.timestamp } };
  }
  if (from.type !== "time") throw forwardFromNow(rest.slice(1));
  return { from, to: { type: "time", timestamp: from.timestamp + time.forwardMs } };
}

interface ReadTime {
  /** Number of characters. */
  readonly length: number;
  readonly timestamp: number;
  /** Whether it is the word `end`. */
  readonly isEnd: boolean;
  /** A duration without sign, which is relative to the start of the range. */
  readonly forwardMs: number | undefined;
}

/** Reads a time at the start of `part`. */
function readTime(part: string, text: string, nowMs: number): ReadTime {
  const match = TIME.exec(part);
  const groups = match?.groups;
  if (groups === undefined) throw notATime(part, text);
  const { now, sign, duration, epoch, date, time, zone } = groups;
  const length = match![0].length;
  if (now !== undefined) return { length, timestamp: nowMs, isEnd: true, forwardMs: undefined };
  if (duration !== undefined) {
    const ms = parseDuration(duration);
    const forwardMs = sign === "" ? ms : undefined;
    return { length, timestamp: nowMs - ms, isEnd: false, forwardMs };
  }
  const timestamp = epoch !== undefined
    ? Number(epoch) * (epoch.length < MIN_MS_DIGITS ? 1000 : 1)
    : calendarTime(date!, time, zone);
  if (!Number.isSafeInteger(timestamp)) throw notATime(part, text);
  return { length, timestamp, isEnd: false, forwardMs: undefined };
}

/** NaN if there is no such day or time. */
function calendarTime(date: string, time: string | undefined, zone: string | undefined): number {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // Date.parse() accepts February 30 as March 1 or 2.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) return NaN;
  if (time === undefined) return midnight;
  return Math.floor(Date.parse(`${date}T${time}${(zone ?? "Z").toUpperCase()}`));
}

function isBefore(a: OffsetPosition, b: OffsetPosition): boolean {
  if (a.type === "offset" && b.type === "offset") return a.offset < b.offset;
  if (a.type === "time" && b.type === "time") return a.timestamp < b.timestamp;
  if (a.type === "start" && b.type === "start") return a.plus < b.plus;
  if (a.type === "end" && b.type === "end") return a.minus > b.minus;
  return false;
}

function notAnOffset(text: string, problem: string): SyntaxError {
  return new SyntaxError(`Cannot read offset "${text}": ${problem}`);
}

function notATime(part: string, text = part): SyntaxError {
  return new SyntaxError(
    `Cannot read time "${part}"${part === text ? "" : ` of "${text}"`}: expected seconds or ` +
      `milliseconds since the epoch, a date, a time such as 2024-12-30T23:06:40Z, or a duration ` +
      `before now such as -1h`,
  );
}

function forwardFromNow(duration: string): SyntaxError {
  return new SyntaxError(
    `Cannot read time "${duration}": for a time before now, use "-${duration}"`,
  );
}
