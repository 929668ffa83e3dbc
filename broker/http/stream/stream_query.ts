/**
 * What a client asks a stream for: `?offset=-100&partition=0,1&key=alice`.
 *
 * @module
 */

import { type OffsetSpec, parseOffsetSpec } from "../../../client/text/offset_spec.ts";
import type { IsolationLevel } from "../../../client/mod.ts";
import { ISOLATION_DOC, isolationOf } from "../isolation.ts";
import { badRequest } from "../rest/fields.ts";
import { type Condition, conditionsOf } from "./record_filter.ts";

/** How values appear: whole, not at all, or their first bytes. */
export type ValueMode = "full" | "none" | number;

/** What a stream has. */
export interface StreamQuery {
  readonly offset: OffsetSpec;
  /** Whether it ends at what is there now. */
  readonly isExit: boolean;
  /** Whether it begins at the end. */
  readonly isFromEnd: boolean;
  /** Its partitions; undefined for all. */
  readonly partitions: readonly number[] | undefined;
  readonly conditions: readonly Condition[];
  /** Most records. */
  readonly limit: number;
  /** Whether records of transactions appear before they are committed, and of aborted ones. */
  readonly isolation: IsolationLevel;
  /** Most records in a second. */
  readonly rate: number;
  /** Whether several records may be one event. */
  readonly isBatched: boolean;
  /** What happens to a reader that is too slow. */
  readonly onSlow: "skip" | "close";
  readonly value: ValueMode;
  /** The position to continue at. */
  readonly lastEventId: string | undefined;
}

/** The parameters, with what they mean. */
export const STREAM_PARAMETERS: Readonly<Record<string, string>> = {
  offset: "Where to begin, and to end: start, end (default), N, +N, -N, A:B, @TIME, @TIME:TIME",
  partition: "Only these partitions, such as 0,1",
  key: "Only records with this key",
  header: "Only records with this header, as NAME:VALUE; may be there several times",
  text: "Only records with this text in key or value",
  filter: "Only records that fulfil an expression in CEL, such as value.total > 100",
  limit: "End after this many records",
  isolation: ISOLATION_DOC,
  rate: "At most this many records a second; on-slow says what happens to new ones beyond it",
  exit: "1 to end at what is there now",
  batch: "1 to have the records of 50 ms in one event, as a list",
  "on-slow": "skip (default) what a slow reader missed, or close",
  value: "full (default), none, or the maximum number of bytes of each value",
  "last-event-id": "Continue after this event; the header Last-Event-ID is the same",
};

const MAX_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Reads a query.
 *
 * @throws {HttpError} 400 if it is invalid.
 */
export function parseStreamQuery(
  query: URLSearchParams,
  lastEventId: string | undefined,
  nowMs: number,
): StreamQuery {
  for (const name of query.keys()) {
    if (!Object.hasOwn(STREAM_PARAMETERS, name)) {
      throw badRequest(`There is no parameter "${name}"; ${Object.keys(STREAM_PARAMETERS)} are`);
    }
  }
  const given = query.get("offset");
  const offset = given ?? "end";
  const isExit = flag(query, "exit");
  let spec: OffsetSpec;
  try {
    spec = parseOffsetSpec(offset, nowMs);
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
  if (isExit && spec.to === undefined) spec = { ...spec, to: { type: "end", minus: 0 } };
  const onSlow = query.get("on-slow") ?? "skip";
  if (onSlow !== "skip" && onSlow !== "close") {
    throw badRequest(`"on-slow" is skip or close, not "${onSlow}"`);
  }
  return {
    offset: spec,
    isExit,
    isFromEnd: spec.from.type === "end" && spec.from.minus === 0,
    partitions: partitionsOf(query.get("partition")),
    conditions: conditionsOf(query),
    limit: wholeNumber(query, "limit") ?? MAX_LIMIT,
    isolation: isolationIn(query),
    rate: rateOf(query),
    isBatched: flag(query, "batch"),
    onSlow,
    value: valueMode(query),
    // An EventSource without an event has an empty one.
    lastEventId: (lastEventId ?? query.get("last-event-id")) || undefined,
  };
}

function partitionsOf(text: string | null): number[] | undefined {
  if (text === null) return undefined;
  const parts = text.split(",");
  if (!parts.every((part) => /^\d{1,9}$/.test(part))) {
    throw badRequest(`"partition" is a list such as 0,1, not "${text}"`);
  }
  return [...new Set(parts.map(Number))].sort((a, b) => a - b);
}

function isolationIn(query: URLSearchParams): IsolationLevel {
  const text = query.get("isolation");
  const level = isolationOf(text);
  if (level !== undefined) return level;
  throw badRequest(`"isolation" is read_committed or read_uncommitted, not "${text}"`);
}

function rateOf(query: URLSearchParams): number {
  const rate = wholeNumber(query, "rate") ?? Infinity;
  if (rate === 0) throw badRequest(`"rate" is at least 1`);
  return rate;
}

function valueMode(query: URLSearchParams): ValueMode {
  const text = query.get("value") ?? "full";
  return text === "full" || text === "none" ? text : wholeNumber(query, "value")!;
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`"${name}" is not a number: "${text}"`);
  return Number(text);
}

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === "0" || text === "false") return false;
  if (text === "" || text === "1" || text === "true") return true;
  throw badRequest(`"${name}" is 1 or 0, not "${text}"`);
}
