/**
 * Access control lists.
 *
 * `AclAuthorizer` follows the records of rules, which `acl_rule.ts` reads and writes, in an `AclIndex`.
 * `decide()` is what the rules mean, a pure function; the authorizer keeps its answers until anything
 * changes. `host_pattern.ts` compares addresses.
 *
 * @module
 */

export { AclAuthorizer, type AclAuthorizerOptions } from "./acl_authorizer.ts";
export { AclIndex, type IndexedRule } from "./acl_index.ts";
export {
  aclCreation,
  aclDeletion,
  aclKey,
  type AclRule,
  ACLS_PREFIX,
  formatAclRecord,
  parseAclRecord,
  problemOf,
  WILDCARD,
  WILDCARD_PRINCIPAL,
} from "./acl_rule.ts";
export {
  type AclPolicy,
  decide,
  decideSomewhere,
  type Decision,
  type DecisionReason,
} from "./decide.ts";
export {
  type HostPattern,
  HostPatternError,
  matchesHost,
  parseHostPattern,
} from "./host_pattern.ts";
export { type AuthorizerParts, openAclAuthorizer } from "./open_acl_authorizer.ts";
