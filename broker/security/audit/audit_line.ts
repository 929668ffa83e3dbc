/**
 * The line of JSON that an event becomes.
 *
 * Texts come from clients, so they are cut, and escaped so that they neither forge lines nor control a
 * terminal that shows them.
 *
 * @module
 */

import { formatPrincipal } from "../principal.ts";
import type { AuditEvent } from "./audit_log.ts";

/** Characters that are kept of a text. */
export const MAX_TEXT = 256;
/** Fields of an object, and items of a list, that are kept; and how deep they may be nested. */
const MAX_FIELDS = 32;
const MAX_DEPTH = 4;

/** Controls that JSON leaves as they are, and marks that change the direction of text. */
const UNSAFE = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** What identifies an event: equal events within a second become one line. */
export function auditFields(event: AuditEvent): string {
  const { session: { principal, host, listener }, ...rest } = event;
  return toJson({
    event: rest.event,
    principal: formatPrincipal(principal),
    clientId: rest.clientId,
    host,
    listener: listener.name,
    api: rest.api,
    operation: rest.operation,
    resourceType: rest.resourceType,
    resource: rest.resource,
    rule: rest.rule,
    before: rest.before,
    after: rest.after,
  });
}

/** The line of events. `fields` is of {@linkcode auditFields}. */
export function auditLine(fields: string, tsMs: number, count: number): string {
  const ts = new Date(tsMs).toISOString();
  return `{"ts":"${ts}",${fields.slice(1, -1)},"count":${count}}`;
}

function toJson(value: unknown): string {
  return JSON.stringify(bounded(value, 0)).replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function bounded(value: unknown, depth: number): unknown {
  if (typeof value === "string") return cut(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH) return "…";
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_FIELDS).map((item) => bounded(item, depth + 1));
    return value.length > MAX_FIELDS ? [...items, "…"] : items;
  }
  const fields = Object.entries(value);
  const kept = fields.slice(0, MAX_FIELDS).map(([name, of]) => [cut(name), bounded(of, depth + 1)]);
  return Object.fromEntries(fields.length > MAX_FIELDS ? [...kept, ["…", "…"]] : kept);
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).toWellFormed()}…`;
}
