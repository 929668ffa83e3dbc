/**
 * What is recorded about who did, or could not do, what.
 *
 * @module
 */

import type { Session } from "../session.ts";

/** What happened. */
export type AuditEventType = "authn.ok" | "authn.fail" | "authz.deny" | "change";

/** Something to record. Texts may come from clients: they are escaped and cut. No secrets. */
export interface AuditEvent {
  readonly event: AuditEventType;
  /** Who; for `authn.fail` the session as it is before authentication. */
  readonly session: Session;
  /** The client id of the request, if there is one. */
  readonly clientId?: string;
  /** The name of the API, such as `CreateTopics`. */
  readonly api?: string;
  /** Kafka's word for the operation, such as `CREATE`. */
  readonly operation?: string;
  /** Kafka's word for the type of the resource, such as `TOPIC`. */
  readonly resourceType?: string;
  /** The name of the resource. */
  readonly resource?: string;
  /** The rule that decided, or why there is none; for `authn.fail` the mechanism and the reason. */
  readonly rule?: string;
  /** What was there before a change. */
  readonly before?: unknown;
  /** What is there after a change. */
  readonly after?: unknown;
}

/** Records events. */
export interface AuditLog {
  /** Records an event. Neither throws nor waits; what is too much is counted and left out. */
  record(event: AuditEvent): void;
}

/** Records nothing. */
export const noAudit: AuditLog = { record: () => {} };
