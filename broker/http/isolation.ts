/**
 * Kafka's isolation levels, as requests over HTTP name them.
 *
 * @module
 */

import type { IsolationLevel } from "../../client/mod.ts";

/** What a level is for, for the OpenAPI document. */
export const ISOLATION_DOC =
  "read_committed for records of committed transactions only; default read_uncommitted";

/** The level of a text; undefined if it is none. Default: read_uncommitted. */
export function isolationOf(text: string | null | undefined): IsolationLevel | undefined {
  const level = text ?? "read_uncommitted";
  return level === "read_committed" || level === "read_uncommitted" ? level : undefined;
}
