/**
 * Whether rules let somebody do something, with the semantics of Kafka's StandardAuthorizer.
 *
 * Super users may do everything. Otherwise, among the rules about the resource that concern the
 * principal, the host and the operation: one that denies decides, then one that allows. If there is
 * none the answer is no; with `allow.everyone.if.no.acl.found` it is yes where no rule at all is about
 * the resource, whomever it concerns.
 *
 * @module
 */

import { AclOperation, AclPatternType } from "../../../protocol/messages/security/acl_types.ts";
import { formatPrincipal, type Principal } from "../principal.ts";
import type { AclIndex, IndexedRule } from "./acl_index.ts";
import type { AclRule } from "./acl_rule.ts";
import { type Address, parseAddress } from "../../../protocol/ip_address.ts";
import { matchesHost } from "./host_pattern.ts";

/** What decides. */
export interface AclPolicy {
  readonly rules: Pick<AclIndex, "about" | "ofType">;
  /** Principals that may do everything, such as `User:admin`. */
  readonly superUsers: ReadonlySet<string>;
  /** Whether everyone may do everything to resources that no rule is about. */
  readonly allowsEveryoneWithoutRule: boolean;
}

/** Why something is allowed or not. */
export type DecisionReason = "super-user" | "rule" | "no-rule-for-resource" | "no-matching-rule";

/** An answer, and what it is based on. */
export interface Decision {
  readonly allow: boolean;
  readonly reason: DecisionReason;
  /** The rule that decided; undefined if none did. */
  readonly rule?: AclRule;
}

/** The operations that imply an operation, where they are allowed. */
const IMPLIED_BY: ReadonlyMap<number, ReadonlySet<number>> = new Map<number, Set<number>>([
  [
    AclOperation.describe,
    new Set([AclOperation.read, AclOperation.write, AclOperation.delete, AclOperation.alter]),
  ],
  [AclOperation.describeConfigs, new Set([AclOperation.alterConfigs])],
]);

/** Ends names that no rule names. */
const NOWHERE = "\0";

const SUPER_USER: Decision = { allow: true, reason: "super-user" };
const NO_RULE_ALLOWED: Decision = { allow: true, reason: "no-rule-for-resource" };
const NO_RULE_DENIED: Decision = { allow: false, reason: "no-rule-for-resource" };
const NO_MATCH: Decision = { allow: false, reason: "no-matching-rule" };

/**
 * Decides whether a principal may do something.
 *
 * @param host The client's IP address; empty for none, which only rules for all hosts concern.
 * @param operation One of `AclOperation`, a concrete one.
 * @param type One of `AclResourceType`.
 */
export function decide(
  policy: AclPolicy,
  principal: Principal,
  host: string,
  operation: number,
  type: number,
  name: string,
): Decision {
  const who = formatPrincipal(principal);
  if (policy.superUsers.has(who)) return SUPER_USER;
  const address = parseAddress(host);
  let allowing: AclRule | undefined;
  let hasRules = false;
  for (const indexed of policy.rules.about(type, name)) {
    hasRules = true;
    if (!indexed.isDenial && allowing !== undefined) continue;
    if (!concerns(indexed, who, address, operation)) continue;
    if (indexed.isDenial) return { allow: false, reason: "rule", rule: indexed.rule };
    allowing = indexed.rule;
  }
  if (allowing !== undefined) return { allow: true, reason: "rule", rule: allowing };
  if (hasRules) return NO_MATCH;
  return policy.allowsEveryoneWithoutRule ? NO_RULE_ALLOWED : NO_RULE_DENIED;
}

/**
 * Decides whether a principal may do something to at least one resource of a type, which need not
 * exist.
 */
export function decideSomewhere(
  policy: AclPolicy,
  principal: Principal,
  host: string,
  operation: number,
  type: number,
): boolean {
  if (decide(policy, principal, host, operation, type, NOWHERE).allow) return true;
  const who = formatPrincipal(principal);
  const address = parseAddress(host);
  for (const indexed of policy.rules.ofType(type)) {
    if (indexed.isDenial || !concerns(indexed, who, address, operation)) continue;
    const { name, pattern } = indexed.rule;
    // Below a prefix there are names that no literal denies.
    const example = pattern === AclPatternType.prefixed ? `${name}${NOWHERE}` : name;
    if (decide(policy, principal, host, operation, type, example).allow) return true;
  }
  return false;
}

function concerns(
  { rule, host, isDenial, isForAll }: IndexedRule,
  who: string,
  address: Address | undefined,
  operation: number,
): boolean {
  if (!isForAll && rule.principal !== who) return false;
  if (!matchesHost(host, address)) return false;
  if (rule.operation === operation || rule.operation === AclOperation.all) return true;
  return !isDenial && IMPLIED_BY.get(operation)?.has(rule.operation) === true;
}
