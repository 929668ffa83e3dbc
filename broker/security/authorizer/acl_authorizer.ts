/**
 * The authorizer of a broker: rules and users as the metadata store has them.
 *
 * A change takes effect with the commit that this broker has followed, without a restart. The cluster
 * is open until it gets its first user or rule, unless the setting `authorizer` is `required`.
 *
 * @module
 */

import {
  AclOperation,
  AclResourceType,
  aclWord,
} from "../../../protocol/messages/security/acl_types.ts";
import type { Logger } from "../../logger.ts";
import type { MetadataEntry } from "../../metadata/metadata_store.ts";
import { type AuditLog, noAudit } from "../audit/audit_log.ts";
import type { Authorizer, RequestOrigin } from "../authorizer.ts";
import type { SecurityRecords } from "../security_records.ts";
import type { Session } from "../session.ts";
import { AclIndex } from "./acl_index.ts";
import { formatAclRecord, parseAclRecord } from "./acl_rule.ts";
import { type AclPolicy, decide, decideSomewhere, type Decision } from "./decide.ts";

/** Options of {@linkcode AclAuthorizer}. */
export interface AclAuthorizerOptions {
  /** The records, which must have been read whole. */
  readonly records: SecurityRecords;
  /** Whether the cluster is closed although it has no users and no rules. */
  readonly isRequired: boolean;
  /** Principals that may do everything, such as `User:admin`. */
  readonly superUsers: ReadonlySet<string>;
  /** Whether everyone may do everything to resources that no rule is about. */
  readonly allowsEveryoneWithoutRule: boolean;
  readonly audit?: AuditLog;
  readonly logger: Logger;
}

/** Most decisions that are kept, and the longest name of one. */
const MAX_CACHED = 10_000;
const MAX_CACHED_NAME = 255;

/** Stands for a resource of any name among the decisions that are kept. */
const ANYWHERE = "\0";

/** A record with one of these prefixes closes the cluster; `security/` stays when users and rules go. */
const CLOSING = ["acls/", "users/", "security/"] as const;

/** Decisions about one principal at one address: by operation and type, then by name. */
type Decisions = Map<number, Map<string, boolean>>;

/** Decides by the rules of the cluster. */
export class AclAuthorizer implements Authorizer {
  readonly #records: SecurityRecords;
  readonly #index = new AclIndex();
  readonly #policy: AclPolicy;
  readonly #isRequired: boolean;
  readonly #audit: AuditLog;
  readonly #logger: Logger;
  readonly #unsubscribe: (() => void)[];
  /** By principal and host. */
  #decisions: Map<string, Decisions> = new Map();
  /** The same by session; sessions live as long as connections. */
  #bySession: WeakMap<Session, Decisions> = new WeakMap();
  #cached = 0;
  #isOpen = false;

  constructor(options: AclAuthorizerOptions) {
    const { records, superUsers, allowsEveryoneWithoutRule, audit = noAudit } = options;
    this.#records = records;
    this.#policy = { rules: this.#index, superUsers, allowsEveryoneWithoutRule };
    this.#isRequired = options.isRequired;
    this.#audit = audit;
    this.#logger = options.logger;
    this.#unsubscribe = [
      records.subscribe("acls/", (key, entry) => this.#setRule(key, entry)),
      records.subscribe("users/", () => this.#update()),
      records.subscribe("security/", () => this.#update()),
    ];
    this.#update();
  }

  /** Whether everyone may do everything. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What decides now. */
  get policy(): AclPolicy {
    return this.#policy;
  }

  /** The rules, by key. */
  get rules(): AclIndex["rules"] {
    return this.#index.rules;
  }

  authorize(
    session: Session,
    operation: number,
    resourceType: number,
    name: string,
    origin?: RequestOrigin,
  ): boolean {
    if (this.mayDo(session, operation, resourceType, name)) return true;
    this.#auditDenial(session, operation, resourceType, name, origin);
    return false;
  }

  mayDo(session: Session, operation: number, resourceType: number, name: string): boolean {
    if (this.#isOpen) return true;
    const byName = this.#decisionsOf(session, operation, resourceType);
    const known = byName.get(name);
    if (known !== undefined) return known;
    const { allow } = this.explain(session, operation, resourceType, name);
    if (name.length <= MAX_CACHED_NAME) this.#keep(byName, name, allow);
    return allow;
  }

  mayDoSomewhere(session: Session, operation: number, resourceType: number): boolean {
    if (this.#isOpen) return true;
    const byName = this.#decisionsOf(session, operation, ~resourceType);
    const known = byName.get(ANYWHERE);
    if (known !== undefined) return known;
    const { principal, host } = session;
    const allow = decideSomewhere(this.#policy, principal, host, operation, resourceType);
    this.#keep(byName, ANYWHERE, allow);
    return allow;
  }

  mayDoOnceClosed(
    session: Session,
    operation: number,
    resourceType: number,
    name: string,
  ): boolean {
    return this.explain(session, operation, resourceType, name).allow;
  }

  /** Decides as if the cluster were closed, and says why. */
  explain(session: Session, operation: number, resourceType: number, name: string): Decision {
    return decide(this.#policy, session.principal, session.host, operation, resourceType, name);
  }

  /** Stops following the records. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #decisionsOf(session: Session, operation: number, resourceType: number): Map<string, boolean> {
    let decisions = this.#bySession.get(session);
    if (decisions === undefined) {
      const { principal: { type, name }, host } = session;
      const key = JSON.stringify([type, name, host]);
      decisions = this.#decisions.get(key);
      if (decisions === undefined) {
        if (this.#cached++ >= MAX_CACHED) this.#forget();
        this.#decisions.set(key, decisions = new Map());
      }
      this.#bySession.set(session, decisions);
    }
    const about = resourceType << 8 | operation;
    let byName = decisions.get(about);
    if (byName === undefined) decisions.set(about, byName = new Map());
    return byName;
  }

  #keep(byName: Map<string, boolean>, name: string, allow: boolean): void {
    if (this.#cached >= MAX_CACHED) this.#forget();
    else byName.set(name, allow);
    this.#cached++;
  }

  #forget(): void {
    this.#decisions = new Map();
    this.#bySession = new WeakMap();
    this.#cached = 0;
  }

  #setRule(key: string, entry: MetadataEntry | undefined): void {
    if (entry === undefined) this.#index.set(key, undefined);
    else {
      const { rule, problem } = parseAclRecord(entry.value);
      if (problem !== undefined) {
        this.#logger.error("Cannot read a rule; everyone but super users is denied its resource", {
          key,
          problem,
          resource: formatAclRecord(rule),
        });
      }
      this.#index.set(key, rule);
    }
    this.#update();
  }

  #update(): void {
    this.#forget();
    // To delete the last user or rule is not to let everyone do everything.
    const hasHadAny = CLOSING.some((prefix) => this.#records.all(prefix).size > 0);
    this.#isOpen = !hasHadAny && !this.#isRequired;
  }

  #auditDenial(
    session: Session,
    operation: number,
    resourceType: number,
    name: string,
    { clientId, api }: RequestOrigin = {},
  ): void {
    const { rule } = this.explain(session, operation, resourceType, name);
    this.#audit.record({
      event: "authz.deny",
      session,
      // The origin may be a whole request.
      ...(clientId === undefined ? {} : { clientId }),
      ...(api === undefined ? {} : { api }),
      operation: aclWord(AclOperation, operation),
      resourceType: aclWord(AclResourceType, resourceType),
      resource: name,
      rule: rule === undefined ? "DefaultDeny" : formatAclRecord(rule),
    });
  }
}
