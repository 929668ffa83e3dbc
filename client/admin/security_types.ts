/**
 * The types of administering security: users, rules, quotas and delegation tokens.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import type { DqueueError } from "../errors.ts";
import type { Names } from "../ensure_known.ts";
import type { ChangeOptions } from "./admin_types.ts";

/** A mechanism of SCRAM. */
export type ScramMechanismName = "SCRAM-SHA-256" | "SCRAM-SHA-512";

/** A user and the mechanisms that it can authenticate with. */
export interface UserScramCredentials {
  /** The name of the user. */
  readonly user: string;
  /** What the cluster knows of each credential; it keeps no password. */
  readonly credentials: readonly {
    /** The mechanism. */
    readonly mechanism: ScramMechanismName | "unknown";
    /** The rounds of PBKDF2. */
    readonly iterations: number;
  }[];
}

/** A change of the credential that a user has for a mechanism. */
export interface UserScramAlteration {
  /** The name of the user. */
  readonly user: string;
  /** The mechanism. */
  readonly mechanism: ScramMechanismName;
  /** The new password; null deletes the credential. Only what is derived from it is sent. */
  readonly password: string | null;
  /** The rounds of PBKDF2, 4096 to 16384. Default: 8192. */
  readonly iterations?: number;
}

/** The result for one user of several. */
export interface UserResult {
  /** The name of the user. */
  readonly user: string;
  /** Why nothing was changed; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** What rules are about. */
export type AclResourceTypeName =
  | "topic"
  | "group"
  | "cluster"
  | "transactionalId"
  | "delegationToken"
  | "user";

/** What rules allow or deny. */
export type AclOperationName =
  | "all"
  | "read"
  | "write"
  | "create"
  | "delete"
  | "alter"
  | "describe"
  | "clusterAction"
  | "describeConfigs"
  | "alterConfigs"
  | "idempotentWrite"
  | "createTokens"
  | "describeTokens"
  | "twoPhaseCommit";

/** A rule to create (an ACL binding in Kafka). */
export interface NewAcl {
  /** What the rule is about. */
  readonly resourceType: AclResourceTypeName;
  /** The name of the resource, or how it begins; `*` for every name, `kafka-cluster` for the cluster. */
  readonly resourceName: string;
  /** Whether the name is whole or a beginning (KIP-290). Default: `literal`. */
  readonly patternType?: "literal" | "prefixed";
  /** Whom the rule concerns, such as `User:alice`; `User:*` for everyone. */
  readonly principal: string;
  /** The IP address that the rule concerns, or a range such as `10.0.0.0/8`. Default: `*`, all. */
  readonly host?: string;
  /** What the rule allows or denies. */
  readonly operation: AclOperationName;
  /** Whether it allows or denies; a rule that denies comes before those that allow. */
  readonly permission: "allow" | "deny";
}

/** A rule of the cluster. */
export interface AclBinding {
  /** What the rule is about. */
  readonly resourceType: AclResourceTypeName | "unknown";
  /** The name of the resource, or how it begins. */
  readonly resourceName: string;
  /** Whether the name is whole or a beginning. */
  readonly patternType: "literal" | "prefixed" | "unknown";
  /** Whom the rule concerns. */
  readonly principal: string;
  /** The IP address that the rule concerns; `*` for all. */
  readonly host: string;
  /** What the rule allows or denies. */
  readonly operation: AclOperationName | "unknown";
  /** Whether it allows or denies. */
  readonly permission: "allow" | "deny" | "unknown";
}

/** Which rules are meant; without a field, its value does not matter. */
export interface AclFilter {
  /** What the rules are about. */
  readonly resourceType?: AclResourceTypeName;
  /** The name in the rules; with `match`, the name of a resource that they are about. */
  readonly resourceName?: string;
  /**
   * `match` for all rules about the resource of that name: literal, prefixed and of `*`. Default: any
   * that has the name.
   */
  readonly patternType?: "any" | "match" | "literal" | "prefixed";
  /** Whom the rules concern. */
  readonly principal?: string;
  /** The host in the rules. */
  readonly host?: string;
  /** What the rules allow or deny. */
  readonly operation?: AclOperationName;
  /** Whether they allow or deny. */
  readonly permission?: "allow" | "deny";
}

/** The result for one rule of several to create. */
export interface CreateAclResult {
  /** The rule. */
  readonly acl: NewAcl;
  /** Why it was not created; undefined if it was, or existed already. */
  readonly error: DqueueError | undefined;
}

/** The result for one filter of several. */
export interface DeleteAclsResult {
  /** The rules that were deleted. */
  readonly deleted: readonly AclBinding[];
  /** Why none was deleted, or not all of them; undefined otherwise. */
  readonly error: DqueueError | undefined;
}

/** Whom a quota concerns: a user, a client id, both, or an IP address. Null stands for the default. */
export interface QuotaEntity {
  /** The name of the user; null for users without a quota of their own. */
  readonly user?: string | null;
  /** The client id; null for clients without a quota of their own. */
  readonly clientId?: string | null;
  /** The IP address; null for addresses without a quota of their own. */
  readonly ip?: string | null;
}

/** Which quotas to describe; `true` stands for any name. */
export interface QuotaFilter {
  /** The name of the user, null for the default, or true for any. */
  readonly user?: string | null | true;
  /** The client id, null for the default, or true for any. */
  readonly clientId?: string | null | true;
  /** The IP address, null for the default, or true for any. */
  readonly ip?: string | null | true;
  /** Whether to leave out quotas that concern more than what is named. Default: false. */
  readonly strict?: boolean;
}

/** The quotas of an entity. */
export interface ClientQuota {
  /** Whom they concern. */
  readonly entity: QuotaEntity;
  /** The values by name, such as `producer_byte_rate`. */
  readonly values: { readonly [name: string]: number };
}

/** A change of the quotas of an entity. */
export interface ClientQuotaAlteration {
  /** Whom they concern. */
  readonly entity: QuotaEntity;
  /** The new values by name; null removes one. */
  readonly values: { readonly [name: string]: number | null };
}

/** The result for one entity of several. */
export interface ClientQuotaResult {
  /** Whom the quotas concern. */
  readonly entity: QuotaEntity;
  /** Why nothing was changed; undefined if it was. */
  readonly error: DqueueError | undefined;
}

/** A delegation token to create (KIP-48). */
export interface CreateDelegationTokenOptions extends OperationOptions {
  /** Whose token it is, such as `User:alice`. Default: the one who asks. */
  readonly owner?: string;
  /** Who may renew it besides the owner. Default: nobody. */
  readonly renewers?: readonly string[];
  /** How long it may be renewed, in milliseconds. Default: the broker's limit. */
  readonly maxLifetimeMs?: number;
}

/** A delegation token. */
export interface DelegationToken {
  /** Its id, the user name to authenticate with. */
  readonly tokenId: string;
  /** Its HMAC in base64, the password to authenticate with. */
  readonly hmac: string;
  /** Whose token it is. */
  readonly owner: string;
  /** Who asked for it; empty if the broker is too old to return it. */
  readonly requester: string;
  /** Who may renew it besides the owner. */
  readonly renewers: readonly string[];
  /** When it was created, in milliseconds since 1970. */
  readonly issuedAt: number;
  /** When it expires unless it is renewed, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** When it expires at last, in milliseconds since 1970. */
  readonly maxAt: number;
}

/** How long to renew a token for. */
export interface RenewDelegationTokenOptions extends OperationOptions {
  /** For how long from now, in milliseconds. Default: the broker's `delegation.token.expiry.time.ms`. */
  readonly periodMs?: number;
}

/** When to let a token expire. */
export interface ExpireDelegationTokenOptions extends OperationOptions {
  /** After how many milliseconds from now; 0 or less removes it immediately. Default: immediately. */
  readonly afterMs?: number;
}

/** Which tokens to describe. */
export interface DescribeDelegationTokensOptions extends OperationOptions {
  /** Only those that these principals own or may renew. Default: all that may be seen. */
  readonly owners?: readonly string[];
}

/** The names of UserScramAlteration. */
export const SCRAM_ALTERATION_NAMES: Names<UserScramAlteration> = {
  user: true,
  mechanism: true,
  password: true,
  iterations: true,
};

/** The names of NewAcl. */
export const NEW_ACL_NAMES: Names<NewAcl> = {
  resourceType: true,
  resourceName: true,
  patternType: true,
  principal: true,
  host: true,
  operation: true,
  permission: true,
};

/** The names of AclFilter. */
export const ACL_FILTER_NAMES: Names<AclFilter> = NEW_ACL_NAMES;

/** The names of QuotaEntity. */
export const QUOTA_ENTITY_NAMES: Names<QuotaEntity> = { user: true, clientId: true, ip: true };

/** The names of QuotaFilter. */
export const QUOTA_FILTER_NAMES: Names<QuotaFilter> = { ...QUOTA_ENTITY_NAMES, strict: true };

/** The names of ClientQuotaAlteration. */
export const QUOTA_ALTERATION_NAMES: Names<ClientQuotaAlteration> = { entity: true, values: true };

/** The names of CreateDelegationTokenOptions. */
export const CREATE_TOKEN_NAMES: Names<CreateDelegationTokenOptions> = {
  ...OPERATION_NAMES,
  owner: true,
  renewers: true,
  maxLifetimeMs: true,
};

/** The names of RenewDelegationTokenOptions. */
export const RENEW_TOKEN_NAMES: Names<RenewDelegationTokenOptions> = {
  ...OPERATION_NAMES,
  periodMs: true,
};

/** The names of ExpireDelegationTokenOptions. */
export const EXPIRE_TOKEN_NAMES: Names<ExpireDelegationTokenOptions> = {
  ...OPERATION_NAMES,
  afterMs: true,
};

/** The names of DescribeDelegationTokensOptions. */
export const DESCRIBE_TOKENS_NAMES: Names<DescribeDelegationTokensOptions> = {
  ...OPERATION_NAMES,
  owners: true,
};

/** The names of ChangeOptions, for quotas. */
export const ALTER_QUOTAS_NAMES: Names<ChangeOptions> = { ...OPERATION_NAMES, validateOnly: true };
