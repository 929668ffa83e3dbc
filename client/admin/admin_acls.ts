/**
 * Rules that allow and deny (ACLs, KIP-140 and KIP-290).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../protocol/messages/security/acl_types.ts";
import { createAcls } from "../../protocol/messages/security/create_acls.ts";
import { deleteAcls } from "../../protocol/messages/security/delete_acls.ts";
import { describeAcls } from "../../protocol/messages/security/describe_acls.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { KafkaError, UsageError } from "../errors.ts";
import { changeAtController } from "./change_at_controller.ts";
import type {
  AclBinding,
  AclFilter,
  CreateAclResult,
  DeleteAclsResult,
  NewAcl,
} from "./security_types.ts";

/** Names by number or numbers by name of one of the tables of a rule. */
type Table = Readonly<Record<string, number>>;

/** A rule as it is sent. */
interface AclFields {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/** Creates rules. Each has its own result. */
export async function createAllAcls(
  core: ClientCore,
  acls: readonly NewAcl[],
  options: OperationOptions,
): Promise<CreateAclResult[]> {
  if (acls.length === 0) return [];
  const creations = acls.map((acl) => ({
    resourceType: numberOf("resourceType", AclResourceType, acl.resourceType),
    resourceName: acl.resourceName,
    resourcePatternType: numberOf("patternType", AclPatternType, acl.patternType ?? "literal"),
    principal: acl.principal,
    host: acl.host ?? "*",
    operation: numberOf("operation", AclOperation, acl.operation),
    permissionType: numberOf("permission", AclPermissionType, acl.permission),
  }));
  return await changeAtController(
    core,
    "create ACLs",
    createAcls,
    { creations },
    options,
    ({ results }) =>
      acls.map((acl, i) => {
        const { errorCode, errorMessage } = results[i] ??
          { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: null };
        const error = errorCode === ErrorCode.NONE
          ? undefined
          : new KafkaError("create ACL", errorCode, errorMessage);
        return { acl, error };
      }),
  );
}

/** Describes the rules that match a filter. */
export async function describeAllAcls(
  core: ClientCore,
  filter: AclFilter,
  options: OperationOptions,
): Promise<AclBinding[]> {
  const action = "describe ACLs";
  const body = filterFields(filter);
  return await core.retry(action, options, async (signal) => {
    const answer = await core.requestAny(describeAcls, body, { signal });
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(action, answer.errorCode, answer.errorMessage);
    }
    return answer.resources.flatMap(({ resourceType, resourceName, patternType, acls }) =>
      acls.map((acl) => bindingOf({ resourceType, resourceName, patternType, ...acl }))
    );
  });
}

/** Deletes the rules that match each filter. */
export async function deleteAllAcls(
  core: ClientCore,
  filters: readonly AclFilter[],
  options: OperationOptions,
): Promise<DeleteAclsResult[]> {
  if (filters.length === 0) return [];
  return await changeAtController(
    core,
    "delete ACLs",
    deleteAcls,
    { filters: filters.map(filterFields) },
    options,
    ({ filterResults }) =>
      filterResults.map(({ errorCode, errorMessage, matchingAcls }) => {
        const failed = [{ errorCode, errorMessage }, ...matchingAcls]
          .find((each) => each.errorCode !== ErrorCode.NONE);
        return {
          deleted: matchingAcls.filter((each) => each.errorCode === ErrorCode.NONE).map(bindingOf),
          error: failed === undefined
            ? undefined
            : new KafkaError("delete ACLs", failed.errorCode, failed.errorMessage),
        };
      }),
  );
}

function filterFields(filter: AclFilter) {
  return {
    resourceTypeFilter: numberOf("resourceType", AclResourceType, filter.resourceType ?? "any"),
    resourceNameFilter: filter.resourceName ?? null,
    patternTypeFilter: numberOf("patternType", AclPatternType, filter.patternType ?? "any"),
    principalFilter: filter.principal ?? null,
    hostFilter: filter.host ?? null,
    operation: numberOf("operation", AclOperation, filter.operation ?? "any"),
    permissionType: numberOf("permission", AclPermissionType, filter.permission ?? "any"),
  };
}

function bindingOf(fields: AclFields): AclBinding {
  return {
    resourceType: nameOf(AclResourceType, fields.resourceType) as AclBinding["resourceType"],
    resourceName: fields.resourceName,
    patternType: nameOf(AclPatternType, fields.patternType) as AclBinding["patternType"],
    principal: fields.principal,
    host: fields.host,
    operation: nameOf(AclOperation, fields.operation) as AclBinding["operation"],
    permission: nameOf(AclPermissionType, fields.permissionType) as AclBinding["permission"],
  };
}

/** @throws {UsageError} If there is no such name. */
function numberOf(option: string, table: Table, name: string): number {
  const number = Object.hasOwn(table, name) ? table[name] : undefined;
  if (number !== undefined && number > 0) return number;
  const known = Object.keys(table).filter((each) => table[each]! > 1);
  throw new UsageError(`Cannot use ${option} of "${name}": it must be one of ${known.join(", ")}`);
}

function nameOf(table: Table, number: number): string {
  return Object.keys(table).find((name) => table[name] === number) ?? "unknown";
}
