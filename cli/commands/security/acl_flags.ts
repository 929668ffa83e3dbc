/**
 * Rules on the command line, by the flags of rpk and kafka-acls.
 *
 * @module
 */

import type {
  AclBinding,
  AclFilter,
  AclOperationName,
  AclResourceTypeName,
  NewAcl,
} from "../../../client/mod.ts";
import {
  AclOperation,
  aclWord,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import { UsageError } from "../../errors.ts";
import type { Flags, FlagValues } from "../../program/flag.ts";
import type { Json } from "../../records/json.ts";
import type { Column } from "../../terminal/table.ts";

/** Operations that a rule can be about. */
const OPERATIONS = (Object.entries(AclOperation) as [AclOperationName, number][])
  .filter(([, number]) => number >= AclOperation.all);

/** Their names as they are typed. */
export const OPERATION_WORDS = OPERATIONS.map(([, number]) =>
  aclWord(AclOperation, number).toLowerCase()
);

/** What can be done with each type of resource, besides all. */
const OPERATIONS_OF: Readonly<Record<AclResourceTypeName, readonly AclOperationName[]>> = {
  topic: [
    ...["read", "write", "create", "describe", "delete", "alter"] as const,
    ...["describeConfigs", "alterConfigs"] as const,
  ],
  group: ["read", "describe", "delete", "describeConfigs", "alterConfigs"],
  cluster: [
    ...["create", "clusterAction", "describeConfigs", "alterConfigs"] as const,
    ...["idempotentWrite", "alter", "describe"] as const,
  ],
  transactionalId: ["describe", "write", "twoPhaseCommit"],
  delegationToken: ["describe"],
  user: ["createTokens", "describeTokens"],
};

/** Flags that name resources. */
export const resourceFlags = {
  topic: { many: true, value: "NAME", env: false, group: "Resources", doc: "Topic; * for all" },
  group: {
    alias: "g",
    many: true,
    value: "NAME",
    env: false,
    group: "Resources",
    doc: "Consumer group; * for all",
  },
  transactionalId: {
    many: true,
    value: "ID",
    env: false,
    group: "Resources",
    doc: "Transactional id; * for all",
  },
  cluster: { type: "boolean", env: false, group: "Resources", doc: "The cluster itself" },
  delegationToken: {
    many: true,
    value: "ID",
    env: false,
    isRare: true,
    group: "Resources",
    doc: "Delegation token",
  },
  userPrincipal: {
    many: true,
    value: "USER",
    env: false,
    isRare: true,
    group: "Resources",
    doc: "User, as what tokens are created for",
  },
} as const satisfies Flags;

/** Flags that say whom rules concern, and what they are about. */
export const principalFlags = {
  allowPrincipal: {
    many: true,
    value: "PRINCIPAL",
    parse: parsePrincipalFlag,
    env: false,
    doc: "User that may, such as User:alice or alice; * for everyone",
  },
  denyPrincipal: {
    many: true,
    value: "PRINCIPAL",
    parse: parsePrincipalFlag,
    env: false,
    doc: "User that must not, whatever else is allowed",
  },
  allowHost: {
    many: true,
    value: "HOST",
    parse: parseHost,
    env: false,
    fallback: "* for all",
    doc: "IP address, or range as 10.0.0.0/8, from which --allow-principal may",
  },
  denyHost: {
    many: true,
    value: "HOST",
    parse: parseHost,
    env: false,
    fallback: "* for all",
    doc: "IP address, or range, from which --deny-principal must not",
  },
} as const satisfies Flags;

/** What is allowed or denied. */
export const operationFlag = {
  operation: {
    choices: OPERATION_WORDS,
    separator: ",",
    value: "OPERATION",
    parse: parseOperation,
    env: false,
    doc: "What is allowed or denied",
  },
} as const satisfies Flags;

/** A resource that a rule is about. */
export interface NamedResource {
  readonly type: AclResourceTypeName;
  readonly name: string;
}

/** `alice` is a user; other types are named. */
export function parsePrincipalFlag(text: string): string {
  if (/^(\w*:)?$/.test(text)) {
    throw new SyntaxError(`Cannot use "${text}": expected a name, as in User:alice or alice`);
  }
  return text.includes(":") ? text : `User:${text}`;
}

/** A rule with a name, or a mistyped address, would never concern anyone. */
function parseHost(text: string): string {
  if (
    text === "*" || /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(\/\d{1,3})?$/.test(text)
  ) {
    return text;
  }
  throw new SyntaxError(`Cannot use "${text}": expected an IP address, ADDRESS/BITS, or *`);
}

/** Kafka's words, in any case, with or without separators: `IdempotentWrite`, `idempotent_write`. */
export function parseOperation(text: string): AclOperationName {
  const letters = text.replace(/[-_]/g, "").toLowerCase();
  const found = OPERATIONS.find(([name]) => name.toLowerCase() === letters);
  if (found !== undefined) return found[0];
  throw new SyntaxError(`Cannot use "${text}": expected one of ${OPERATION_WORDS.join(", ")}`);
}

/** The resources that are named. */
export function resourcesOf(flags: FlagValues<typeof resourceFlags>): NamedResource[] {
  const named = (type: AclResourceTypeName, names: readonly string[]) =>
    names.map((name) => ({ type, name }));
  return [
    ...named("topic", flags.topic),
    ...named("group", flags.group),
    ...named("transactionalId", flags.transactionalId),
    ...named("cluster", flags.cluster ? [CLUSTER_RESOURCE] : []),
    ...named("delegationToken", flags.delegationToken),
    ...named("user", flags.userPrincipal.map(parsePrincipalFlag)),
  ];
}

/** Whom something is allowed or denied. */
export interface NamedPrincipal {
  readonly principal: string;
  readonly host: string;
  readonly permission: "allow" | "deny";
}

/** @throws {UsageError} If a host is given without a principal. */
export function principalsOf(flags: FlagValues<typeof principalFlags>): NamedPrincipal[] {
  const { allowPrincipal, denyPrincipal, allowHost, denyHost } = flags;
  const combine = (
    permission: "allow" | "deny",
    principals: readonly string[],
    hosts: readonly string[] | undefined = [],
  ) => {
    if (principals.length === 0 && hosts.length > 0) {
      throw new UsageError(`Missing --${permission}-principal: --${permission}-host is for one`);
    }
    const all = hosts.length === 0 ? ["*"] : hosts;
    return principals.flatMap((principal) => all.map((host) => ({ principal, host, permission })));
  };
  return [
    ...combine("allow", allowPrincipal, allowHost),
    ...combine("deny", denyPrincipal, denyHost),
  ];
}

/**
 * Every combination.
 *
 * @throws {UsageError} If nobody can do that with a resource of the type, so that no rule would ever decide.
 */
export function rulesOf(
  principals: readonly NamedPrincipal[],
  resources: readonly NamedResource[],
  operations: readonly AclOperationName[],
  patternType: "literal" | "prefixed",
): NewAcl[] {
  for (const { type } of resources) {
    const known = OPERATIONS_OF[type];
    const wrong = operations.find((each) => each !== "all" && !known.includes(each));
    if (wrong === undefined) continue;
    throw new UsageError(
      `Cannot use --operation ${wordOf(wrong)} with ${flagOf(type)}: its operations are all, ` +
        known.map(wordOf).join(", "),
    );
  }
  return principals.flatMap((principal) =>
    resources.flatMap(({ type, name }) =>
      operations.map((operation): NewAcl => ({
        resourceType: type,
        resourceName: name,
        patternType: type === "cluster" ? "literal" : patternType,
        operation,
        ...principal,
      }))
    )
  );
}

function wordOf(operation: AclOperationName): string {
  return aclWord(AclOperation, AclOperation[operation]).toLowerCase();
}

function flagOf(type: AclResourceTypeName): string {
  return `--${type === "user" ? "user-principal" : kebabCase(type)}`;
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Columns of tables of rules. */
export const ACL_COLUMNS: readonly Column<AclBinding | NewAcl>[] = [
  { heading: "PRINCIPAL", cell: ({ principal }) => principal },
  { heading: "HOST", cell: ({ host }) => host },
  { heading: "RESOURCE", cell: ({ resourceType }) => resourceType },
  { heading: "NAME", cell: ({ resourceName }) => resourceName, maxWidth: 60 },
  { heading: "PATTERN", cell: ({ patternType }) => patternType },
  { heading: "OPERATION", cell: ({ operation }) => operation },
  {
    heading: "PERMISSION",
    cell: ({ permission }) => permission,
    paint: ({ green, red }, { permission }) => permission === "allow" ? green : red,
  },
];

/** A rule in JSON. */
export function aclToJson(acl: AclBinding | NewAcl): { readonly [name: string]: Json } {
  return {
    principal: acl.principal,
    host: acl.host ?? "*",
    resource_type: acl.resourceType,
    resource_name: acl.resourceName,
    pattern_type: acl.patternType ?? "literal",
    operation: acl.operation,
    permission: acl.permission,
  };
}

/** A rule in a sentence. */
export function aclInWords(acl: AclBinding): string {
  const { principal, host, operation, resourceType, resourceName, patternType } = acl;
  const where = host === "*" ? "" : ` from ${host}`;
  const what = patternType === "prefixed" ? `${resourceName}… (prefixed)` : resourceName;
  return `${acl.permission} ${principal}${where} to ${operation} ${resourceType} ${what}`;
}

/** Any text: rules may have been created with one. */
const hostFilter = {
  many: true,
  value: "HOST",
  env: false,
  fallback: "any",
  doc: "Only with this host",
} as const;

/** Flags of filters of rules. */
export const filterFlags = {
  principal: {
    many: true,
    value: "PRINCIPAL",
    parse: parsePrincipalFlag,
    env: false,
    doc: "Only rules that concern this principal",
  },
  ...principalFlags,
  allowPrincipal: { ...principalFlags.allowPrincipal, doc: "Only rules that allow this principal" },
  denyPrincipal: { ...principalFlags.denyPrincipal, doc: "Only rules that deny this principal" },
  allowHost: hostFilter,
  denyHost: hostFilter,
  ...operationFlag,
  resourcePatternFilter: {
    otherNames: ["resource-pattern-type"],
    choices: ["any", "match", "literal", "prefixed"],
    default: "any",
    env: false,
    doc: "How names are compared; match finds all rules about a resource of the name",
  },
  ...resourceFlags,
} as const satisfies Flags;

/** The filters that flags stand for: every combination; one without fields if there are none. */
export function filtersOf(flags: FlagValues<typeof filterFlags>): AclFilter[] {
  const { allowPrincipal, denyPrincipal, allowHost = [], denyHost = [] } = flags;
  const hosts = (given: readonly string[]) => given.length === 0 ? [undefined] : given;
  const concerning: AclFilter[] = [
    ...flags.principal.map((principal): AclFilter => ({ principal })),
    ...filtersOfHosts("allow", allowPrincipal, hosts(allowHost), allowHost.length > 0),
    ...filtersOfHosts("deny", denyPrincipal, hosts(denyHost), denyHost.length > 0),
  ];
  const resources = resourcesOf(flags);
  const patternType = flags.resourcePatternFilter;
  const about: AclFilter[] = resources.length === 0
    ? [patternType === "any" ? {} : { patternType }]
    : resources.map(({ type, name }) => ({ resourceType: type, resourceName: name, patternType }));
  const doing: AclFilter[] = flags.operation.length === 0
    ? [{}]
    : flags.operation.map((operation) => ({ operation }));
  return (concerning.length === 0 ? [{}] : concerning).flatMap((whom) =>
    about.flatMap((what) => doing.map((how) => ({ ...whom, ...what, ...how })))
  );
}

function filtersOfHosts(
  permission: "allow" | "deny",
  principals: readonly string[],
  hosts: readonly (string | undefined)[],
  hasHosts: boolean,
): AclFilter[] {
  const named: readonly (string | undefined)[] = principals.length === 0 && hasHosts
    ? [undefined]
    : principals;
  return named.flatMap((principal) =>
    hosts.map((host): AclFilter => ({
      permission,
      ...(principal === undefined ? {} : { principal }),
      ...(host === undefined ? {} : { host }),
    }))
  );
}
