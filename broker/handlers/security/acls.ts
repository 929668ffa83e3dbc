/**
 * DescribeAcls, CreateAcls and DeleteAcls (KIP-140). Versions 1 to 3.
 *
 * Every broker serves them; a change is known to this one when it answers, and to the others within
 * moments. Creating a rule that exists, or deleting none, succeeds. Up to 119 rules are created or
 * deleted at once; of more, those that deny are created first and deleted last.
 *
 * Version 1 adds prefixed patterns (KIP-290), 2 is flexible, 3 adds rules about users (KIP-373).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  AclOperation,
  AclResourceType,
  aclWord,
} from "../../../protocol/messages/security/acl_types.ts";
import {
  createAcls,
  type CreateAclsRequest,
  type CreateAclsResponse,
} from "../../../protocol/messages/security/create_acls.ts";
import {
  deleteAcls,
  type DeleteAclsRequest,
  type DeleteAclsResponse,
} from "../../../protocol/messages/security/delete_acls.ts";
import {
  describeAcls,
  type DescribeAclsRequest,
  type DescribeAclsResponse,
} from "../../../protocol/messages/security/describe_acls.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ApiError } from "../../api_error.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { MAX_COMMIT_CHANGES, type MetadataChange } from "../../metadata/metadata_store.ts";
import {
  aclKey,
  type AclRule,
  formatAclRecord,
  parseAclRecord,
  problemOf,
} from "../../security/authorizer/acl_rule.ts";
import {
  type AclFilter,
  matchesFilter,
  problemOfFilter,
} from "../../security/authorizer/acl_filter.ts";
import { securityStateCreation } from "../../security/credentials/security_state.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { failure, type Outcome, SUCCESS } from "../outcome.ts";
import { keepBrokersIn } from "./keep_brokers_in.ts";
import { onlyLocalWhileOpen } from "./only_local_while_open.ts";

type Creation = CreateAclsRequest["creations"][number];
type DeletionFilter = DeleteAclsRequest["filters"][number];

/** Most rules or filters of a request, and most rules that it deletes; Kafka's limit, too. */
const MAX_ITEMS = 10_000;
/** Size of a rule in a response, without its texts. */
const RULE_BYTES = 24;
/** Size of an error in a response. */
const ERROR_BYTES = 300;

/** Rules of one commit, which may also have the state of security. */
const PART = MAX_COMMIT_CHANGES - 1;

const ENCODER = new TextEncoder();

/** Serves DescribeAcls. */
export const describeAclsHandler: ApiHandler = handler(
  describeAcls,
  handleDescribeAcls,
  onCluster(AclOperation.describe),
);

/** Serves CreateAcls. */
export const createAclsHandler: ApiHandler = handler(
  createAcls,
  handleCreateAcls,
  onCluster(AclOperation.alter),
);

/** Serves DeleteAcls. */
export const deleteAclsHandler: ApiHandler = handler(
  deleteAcls,
  handleDeleteAcls,
  onCluster(AclOperation.alter),
);

async function handleDescribeAcls(
  request: DescribeAclsRequest,
  context: RequestContext,
): Promise<DescribeAclsResponse> {
  const filter: AclFilter = {
    type: request.resourceTypeFilter,
    name: request.resourceNameFilter,
    pattern: request.patternTypeFilter,
    principal: request.principalFilter,
    host: request.hostFilter,
    operation: request.operation,
    permission: request.permissionType,
  };
  const problem = problemOfFilter(filter);
  if (problem !== undefined) {
    return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: problem, resources: [] };
  }
  const matching: AclRule[] = [];
  for (const [, rule] of await readRules(context)) {
    if (isShown(rule) && matchesFilter(filter, rule)) matching.push(rule);
  }
  await claimResponseMemory(sumOf(matching, bytesOf), context);
  const byResource = new Map<string, AclRule[]>();
  for (const rule of matching) {
    const key = `${rule.type} ${rule.pattern} ${rule.name}`;
    const rules = byResource.get(key);
    if (rules === undefined) byResource.set(key, [rule]);
    else rules.push(rule);
  }
  const resources = Array.from(byResource.values(), (rules) => {
    const { type, name, pattern } = rules[0]!;
    return {
      resourceType: type,
      resourceName: name,
      patternType: pattern,
      acls: rules.map(({ principal, host, operation, permission }) => ({
        principal,
        host,
        operation,
        permissionType: permission,
      })),
    };
  });
  return { ...SUCCESS, resources };
}

async function handleCreateAcls(
  { creations }: CreateAclsRequest,
  context: RequestContext,
): Promise<CreateAclsResponse> {
  onlyLocalWhileOpen(context);
  checkCount(creations.length);
  await claimResponseMemory(
    sumOf(creations, ({ principal }) => ERROR_BYTES + textBytes(principal)),
    context,
  );
  const { security } = context.broker.cluster;
  const results: Outcome[] = [];
  const slice = new TimeSlice();
  /** The rules to create, by key, with their places in the request. */
  const created = new Map<string, { readonly rule: AclRule; readonly places: number[] }>();
  for (const [place, creation] of creations.entries()) {
    const rule = ruleOf(creation);
    const problem = problemOf(rule);
    results.push(
      problem === undefined
        ? SUCCESS
        : { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: problem },
    );
    if (problem !== undefined) continue;
    const key = await aclKey(rule);
    if (security.get(key) !== undefined) continue;
    const known = created.get(key);
    if (known === undefined) created.set(key, { rule, places: [place] });
    else known.places.push(place);
    if (slice.isOver) await slice.pause();
  }
  if (created.size > 0) keepBrokersIn(context, Array.from(created.values(), ({ rule }) => rule));
  const denialsFirst = [...created].sort(([, a], [, b]) => a.rule.permission - b.rule.permission);
  for (const part of inParts(denialsFirst)) {
    const changes = part.map(([key, { rule }]) => ({
      key,
      value: ENCODER.encode(formatAclRecord(rule)),
    }));
    const outcome = await create(changes, context);
    for (const [, { rule, places }] of part) {
      if (outcome === SUCCESS) audit(context, createAcls.name, rule, "after");
      else for (const place of places) results[place] = outcome;
    }
  }
  return { results };
}

async function handleDeleteAcls(
  { filters }: DeleteAclsRequest,
  context: RequestContext,
): Promise<DeleteAclsResponse> {
  onlyLocalWhileOpen(context);
  checkCount(filters.length);
  const rules = await readRules(context);
  const slice = new TimeSlice();
  const found: { readonly problem?: string; readonly keys: string[] }[] = [];
  const deleted = new Map<string, AclRule>();
  let matches = 0;
  for (const item of filters) {
    const filter = filterOf(item);
    const problem = problemOfFilter(filter);
    if (problem !== undefined) {
      found.push({ problem, keys: [] });
      continue;
    }
    const keys: string[] = [];
    for (const [key, rule] of rules) {
      if (slice.isOver) await slice.pause();
      if (!matchesFilter(filter, rule)) continue;
      keys.push(key);
      deleted.set(key, rule);
    }
    matches += keys.length;
    if (matches > MAX_ITEMS) {
      throw new ApiError(
        ErrorCode.POLICY_VIOLATION,
        `Cannot remove more than ${MAX_ITEMS} acls in a single delete operation.`,
      );
    }
    found.push({ keys });
  }
  const bytes = sumOf(
    found,
    ({ keys }) => ERROR_BYTES + sumOf(keys, (key) => bytesOf(deleted.get(key)!)),
  );
  await claimResponseMemory(bytes, context);
  const outcomes = new Map<string, Outcome>();
  const denialsLast = [...deleted].sort(([, a], [, b]) => b.permission - a.permission);
  for (const part of inParts(denialsLast)) {
    const outcome = await commit(part.map(([key]) => ({ key, value: null })), context);
    for (const [key, rule] of part) {
      outcomes.set(key, outcome);
      if (outcome === SUCCESS) audit(context, deleteAcls.name, rule, "before");
    }
  }
  const filterResults = found.map(({ problem, keys }) => ({
    errorCode: problem === undefined ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST,
    errorMessage: problem ?? null,
    matchingAcls: keys.filter((key) => isShown(deleted.get(key)!)).map((key) => {
      const { type, pattern, name, permission, principal, host, operation } = deleted.get(key)!;
      return {
        ...outcomes.get(key)!,
        resourceType: type,
        resourceName: name,
        patternType: pattern,
        principal,
        host,
        operation,
        permissionType: permission,
      };
    }),
  }));
  return { filterResults };
}

/** Whether clients know the resource of a rule. That of a record that cannot be read they do not. */
function isShown({ type }: AclRule): boolean {
  return type !== AclResourceType.any;
}

/** The rules, by key, in the order of their resources. */
async function readRules({ broker }: RequestContext): Promise<[key: string, rule: AclRule][]> {
  const rules: [string, AclRule][] = [];
  const slice = new TimeSlice();
  for (const [key, { value }] of broker.cluster.security.all("acls/")) {
    const { rule } = parseAclRecord(value);
    rules.push([key, rule]);
    if (slice.isOver) await slice.pause();
  }
  return rules.sort(([, a], [, b]) => a.type - b.type || compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Creates rules; with the first one, the cluster is no longer new. */
async function create(
  changes: readonly MetadataChange[],
  context: RequestContext,
): Promise<Outcome> {
  const { cluster } = context.broker;
  try {
    await cluster.retry(async () => {
      const state = securityStateCreation(cluster.security);
      await cluster.security.commit([...changes, ...state.changes], state.expect);
    });
    return SUCCESS;
  } catch (error) {
    return failure(error, context);
  }
}

async function commit(
  changes: readonly MetadataChange[],
  context: RequestContext,
): Promise<Outcome> {
  try {
    await context.broker.cluster.security.commit(changes, []);
    return SUCCESS;
  } catch (error) {
    return failure(error, context);
  }
}

function audit(
  { broker, session, clientId }: RequestContext,
  api: string,
  rule: AclRule,
  side: "before" | "after",
): void {
  broker.audit.record({
    event: "change",
    session,
    clientId,
    api,
    resourceType: aclWord(AclResourceType, rule.type),
    resource: rule.name,
    [side]: JSON.parse(formatAclRecord(rule)),
  });
}

function ruleOf(creation: Creation): AclRule {
  return {
    type: creation.resourceType,
    name: creation.resourceName,
    pattern: creation.resourcePatternType,
    principal: creation.principal,
    host: creation.host,
    operation: creation.operation,
    permission: creation.permissionType,
  };
}

function filterOf(filter: DeletionFilter): AclFilter {
  return {
    type: filter.resourceTypeFilter,
    name: filter.resourceNameFilter,
    pattern: filter.patternTypeFilter,
    principal: filter.principalFilter,
    host: filter.hostFilter,
    operation: filter.operation,
    permission: filter.permissionType,
  };
}

function checkCount(count: number): void {
  if (count <= MAX_ITEMS) return;
  throw new ApiError(
    ErrorCode.POLICY_VIOLATION,
    `The request has ${count} items, the maximum is ${MAX_ITEMS}`,
  );
}

function* inParts<T>(items: readonly T[]): Generator<readonly T[], void> {
  for (let at = 0; at < items.length; at += PART) yield items.slice(at, at + PART);
}

function bytesOf({ name, principal, host }: AclRule): number {
  return RULE_BYTES + textBytes(name) + textBytes(principal) + textBytes(host);
}
