/**
 * A rule that allows or denies an operation (an ACL binding in Kafka), and its record in the metadata
 * store:
 *
 *     acls/<hash>   {"type":"TOPIC","name":"orders","pattern":"LITERAL","principal":"User:alice",
 *                    "host":"*","operation":"READ","permission":"ALLOW"}
 *
 * The hash is that of the rule itself: creating a rule twice makes one, and concurrent changes of
 * different rules cannot lose each other.
 *
 * @module
 */

import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  aclWord,
  CLUSTER_RESOURCE,
  parseAclWord,
} from "../../../protocol/messages/security/acl_types.ts";
import { uuidToString } from "../../../protocol/primitives/uuid.ts";
import type { MetadataChange } from "../../metadata/metadata_store.ts";
import { HostPatternError, parseHostPattern } from "./host_pattern.ts";

/** A rule, with Kafka's numbers. */
export interface AclRule {
  /** One of `AclResourceType`. */
  readonly type: number;
  /** The name of the resource, or the beginning of it. `*` as a literal matches every name. */
  readonly name: string;
  /** `AclPatternType.literal` or `prefixed`. */
  readonly pattern: number;
  /** Such as `User:alice`; `User:*` matches everyone. */
  readonly principal: string;
  /** An IP address, a range of them as `ADDRESS/BITS`, or `*`. As the user wrote it. */
  readonly host: string;
  /** One of `AclOperation`. */
  readonly operation: number;
  /** `AclPermissionType.allow` or `deny`. */
  readonly permission: number;
}

/** The name, host or principal's name that matches every other. */
export const WILDCARD = "*";

/** The principal of rules that concern everyone. */
export const WILDCARD_PRINCIPAL = "User:*";

/** Prefix of the keys of rules. */
export const ACLS_PREFIX = "acls/";

/** Resources that rules can be about. */
const TYPES: ReadonlySet<number> = new Set([
  AclResourceType.topic,
  AclResourceType.group,
  AclResourceType.cluster,
  AclResourceType.transactionalId,
  AclResourceType.delegationToken,
  AclResourceType.user,
]);

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

/** What is wrong with a rule; undefined if it can be kept. In Kafka's words where it has some. */
export function problemOf(rule: AclRule): string | undefined {
  const { type, name, pattern, principal, host, operation, permission } = rule;
  if (type === AclResourceType.cluster && name !== CLUSTER_RESOURCE) {
    return `The only valid name for the CLUSTER resource is ${CLUSTER_RESOURCE}`;
  }
  if (name === "") return "Invalid empty resource name";
  if (!TYPES.has(type)) return `Invalid resourceType ${aclWord(AclResourceType, type)}`;
  if (pattern !== AclPatternType.literal && pattern !== AclPatternType.prefixed) {
    return `Invalid patternType ${aclWord(AclPatternType, pattern)}`;
  }
  if (operation < AclOperation.all || operation > AclOperation.twoPhaseCommit) {
    return `Invalid operation ${aclWord(AclOperation, operation)}`;
  }
  if (permission !== AclPermissionType.allow && permission !== AclPermissionType.deny) {
    return `Invalid permissionType ${aclWord(AclPermissionType, permission)}`;
  }
  if (!principal.includes(":")) {
    return `Could not parse principal from \`${principal}\` (no colon is present separating the ` +
      "principal type from the principal name)";
  }
  try {
    parseHostPattern(host);
  } catch (error) {
    if (error instanceof HostPatternError) return error.message;
    throw error;
  }
  return undefined;
}

/** The rule in the form that it is kept in, always the same for the same rule. */
export function formatAclRecord(rule: AclRule): string {
  const { name, principal, host } = rule;
  return JSON.stringify({
    type: aclWord(AclResourceType, rule.type),
    name,
    pattern: aclWord(AclPatternType, rule.pattern),
    principal,
    host,
    operation: aclWord(AclOperation, rule.operation),
    permission: aclWord(AclPermissionType, rule.permission),
  });
}

/** The key of a rule in the metadata store. */
export async function aclKey(rule: AclRule): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", ENCODER.encode(formatAclRecord(rule)));
  // 128 bits as 22 characters of base64url.
  return `${ACLS_PREFIX}${uuidToString(new Uint8Array(hash))}`;
}

/** The change that creates a rule; it changes nothing if the rule exists. */
export async function aclCreation(rule: AclRule): Promise<MetadataChange> {
  return { key: await aclKey(rule), value: ENCODER.encode(formatAclRecord(rule)) };
}

/** The change that deletes a rule. */
export async function aclDeletion(rule: AclRule): Promise<MetadataChange> {
  return { key: await aclKey(rule), value: null };
}

/**
 * Reads a record. What is not a rule is read as one that denies everyone its resource, as far as that
 * can be read: without it somebody might get what the rule was to deny.
 */
export function parseAclRecord(value: Uint8Array): { rule: AclRule; problem?: string } {
  let fields: Record<string, unknown> = {};
  let problem: string | undefined;
  try {
    const parsed: unknown = JSON.parse(DECODER.decode(value));
    if (typeof parsed === "object" && parsed !== null) fields = parsed as Record<string, unknown>;
    else problem = "it is not an object";
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  const text = (name: string) => typeof fields[name] === "string" ? fields[name] : "";
  const rule: AclRule = {
    type: parseAclWord(AclResourceType, text("type")) ?? AclResourceType.unknown,
    name: text("name"),
    pattern: parseAclWord(AclPatternType, text("pattern")) ?? AclPatternType.unknown,
    principal: text("principal"),
    host: text("host"),
    operation: parseAclWord(AclOperation, text("operation")) ?? AclOperation.unknown,
    permission: parseAclWord(AclPermissionType, text("permission")) ?? AclPermissionType.unknown,
  };
  problem ??= problemOf(rule);
  if (problem === undefined) return { rule };
  const isNamed = rule.name !== "";
  const denial: AclRule = {
    type: TYPES.has(rule.type) ? rule.type : AclResourceType.any,
    name: isNamed ? rule.name : WILDCARD,
    // A prefix covers what a literal of the same name does.
    pattern: isNamed && rule.pattern !== AclPatternType.literal && rule.name !== WILDCARD
      ? AclPatternType.prefixed
      : AclPatternType.literal,
    principal: WILDCARD_PRINCIPAL,
    host: WILDCARD,
    operation: AclOperation.all,
    permission: AclPermissionType.deny,
  };
  return { rule: denial, problem };
}
