/**
 * Which rules a filter of DescribeAcls or DeleteAcls means.
 *
 * @module
 */

import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import { type AclRule, WILDCARD } from "./acl_rule.ts";

/** A filter; `null` and `any` match everything. */
export interface AclFilter {
  /** One of `AclResourceType`. */
  readonly type: number;
  /** The name of the resource. */
  readonly name: string | null;
  /** One of `AclPatternType`; `match` selects all rules that are about the name. */
  readonly pattern: number;
  /** Such as `User:alice`. `User:*` only matches rules for that, not for all users. */
  readonly principal: string | null;
  /** The host as the rule has it. */
  readonly host: string | null;
  /** One of `AclOperation`. `all` only matches rules for that, not for all operations. */
  readonly operation: number;
  /** One of `AclPermissionType`. */
  readonly permission: number;
}

/** What is wrong with a filter; undefined if nothing is. */
export function problemOfFilter(filter: AclFilter): string | undefined {
  const { type, pattern, operation, permission } = filter;
  if (isUnknown(AclResourceType, type) || isUnknown(AclPatternType, pattern)) {
    return "Unknown patternFilter.";
  }
  if (isUnknown(AclOperation, operation) || isUnknown(AclPermissionType, permission)) {
    return "Unknown entryFilter.";
  }
  return undefined;
}

/** Whether a filter means a rule. */
export function matchesFilter(filter: AclFilter, rule: AclRule): boolean {
  return matchesResource(filter, rule) &&
    (filter.principal === null || filter.principal === rule.principal) &&
    (filter.host === null || filter.host === rule.host) &&
    (filter.operation === AclOperation.any || filter.operation === rule.operation) &&
    (filter.permission === AclPermissionType.any || filter.permission === rule.permission);
}

function matchesResource({ type, name, pattern }: AclFilter, rule: AclRule): boolean {
  if (type !== AclResourceType.any && type !== rule.type) return false;
  if (pattern !== AclPatternType.match) {
    return (pattern === AclPatternType.any || pattern === rule.pattern) &&
      (name === null || name === rule.name);
  }
  if (name === null) return true;
  return rule.pattern === AclPatternType.prefixed
    ? name.startsWith(rule.name)
    : name === rule.name || rule.name === WILDCARD;
}

function isUnknown(numbers: Readonly<Record<string, number>>, number: number): boolean {
  return number === 0 || !Object.values(numbers).includes(number);
}
