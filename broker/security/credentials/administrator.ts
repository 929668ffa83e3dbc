/**
 * An administrator: a user whom rules allow everything.
 *
 * The first one is created with a new cluster, in one commit and only once: two brokers that start at
 * the same time make one, and one that was deleted does not come back with the next start. The rules are
 * shown, and can be deleted, like any others.
 *
 * @module
 */

import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import {
  newScramCredential,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
} from "../../../protocol/sasl/scram.ts";
import { aclCreation, WILDCARD } from "../authorizer/acl_rule.ts";
import {
  type MetadataChange,
  type MetadataStore,
  RevisionConflictError,
} from "../../metadata/metadata_store.ts";
import { formatPrincipal, USER_TYPE } from "../principal.ts";
import { newSecurityState, SECURITY_STATE_KEY } from "./security_state.ts";
import { encodeUser, userKey } from "./user_record.ts";

/** A user and its password. */
export interface NewAdministrator {
  /** The user's name. */
  readonly name: string;
  /** The password, in clear. */
  readonly password: string;
}

/** A name or password that an administrator cannot have. */
export class AdministratorError extends Error {
  override name = "AdministratorError";
}

/** All types of resources, each with the name that stands for all of them. */
const RESOURCES: readonly (readonly [type: number, name: string])[] = [
  [AclResourceType.topic, WILDCARD],
  [AclResourceType.group, WILDCARD],
  [AclResourceType.cluster, CLUSTER_RESOURCE],
  [AclResourceType.transactionalId, WILDCARD],
  [AclResourceType.delegationToken, WILDCARD],
  [AclResourceType.user, WILDCARD],
];

/**
 * Creates the first administrator of a cluster.
 *
 * @returns Whether it was created; not if the cluster has, or had, users or rules.
 * @throws {AdministratorError} If the name or the password cannot be used.
 */
export async function createFirstAdministrator(
  store: MetadataStore,
  administrator: NewAdministrator,
): Promise<boolean> {
  if (await store.get(SECURITY_STATE_KEY) !== undefined) return false;
  const { changes, expect } = newSecurityState();
  try {
    await store.commit([...await changesFor(administrator), ...changes], { expect });
    return true;
  } catch (error) {
    if (error instanceof RevisionConflictError) return false;
    throw error;
  }
}

/**
 * Gives a user a new password and allows it everything, whether it exists or not: for one who has lost
 * access, on a store that no broker needs to serve.
 *
 * @throws {AdministratorError} If the name or the password cannot be used.
 */
export async function resetAdministrator(
  store: MetadataStore,
  administrator: NewAdministrator,
): Promise<void> {
  const hasState = await store.get(SECURITY_STATE_KEY) !== undefined;
  const { changes, expect } = hasState ? { changes: [], expect: [] } : newSecurityState();
  await store.commit([...await changesFor(administrator), ...changes], { expect });
}

async function changesFor({ name, password }: NewAdministrator): Promise<MetadataChange[]> {
  const key = userKey(name);
  if (key === undefined) throw new AdministratorError("the name of the user is empty or too long");
  if (password === "") throw new AdministratorError("the password is empty");
  const credentials = new Map<ScramMechanism, ScramCredential>();
  for (const mechanism of Object.keys(SCRAM_MECHANISMS) as ScramMechanism[]) {
    credentials.set(mechanism, await newScramCredential(mechanism, password));
  }
  const rules = RESOURCES.map(([type, resource]) =>
    aclCreation({
      type,
      name: resource,
      pattern: AclPatternType.literal,
      principal: formatPrincipal({ type: USER_TYPE, name }),
      host: WILDCARD,
      operation: AclOperation.all,
      permission: AclPermissionType.allow,
    })
  );
  return [{ key, value: encodeUser(credentials) }, ...await Promise.all(rules)];
}
