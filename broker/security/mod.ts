/**
 * Who a client is, what it may do, and how much.
 *
 * A connection has a `Session`, made by the authenticator of its listener. Handlers ask the
 * `Authorizer` about it. Users, rules, quotas and tokens are records of the metadata store, followed
 * by `SecurityRecords`; each kind has a view in its own room: users are in `credentials/`, and what checks
 * them in `sasl/`.
 *
 * @module
 */

export { type AuditEvent, type AuditEventType, type AuditLog, noAudit } from "./audit/audit_log.ts";
export type { AccessRule, AccessScope } from "./access_rule.ts";
export { type Authorizer, openAuthorizer, type RequestOrigin } from "./authorizer.ts";
export {
  ANONYMOUS,
  formatPrincipal,
  parsePrincipal,
  type Principal,
  USER_TYPE,
} from "./principal.ts";
export { type CommitRecords, type FollowRecords, SecurityRecords } from "./security_records.ts";
export {
  EMBEDDED_LISTENER,
  EMBEDDED_SESSION,
  type ListenerIdentity,
  type SecurityProtocol,
  type Session,
} from "./session.ts";
