/**
 * The part of the admin client that looks after users, rules, quotas and delegation tokens.
 *
 * @module
 */

import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { ensureKnown } from "../ensure_known.ts";
import { createAllAcls, deleteAllAcls, describeAllAcls } from "./admin_acls.ts";
import { alterQuotas, describeQuotas } from "./admin_quotas.ts";
import { createToken, describeTokens, expireToken, renewToken } from "./admin_tokens.ts";
import type { ChangeOptions } from "./admin_types.ts";
import { alterUsers, describeUsers } from "./admin_users.ts";
import {
  ACL_FILTER_NAMES,
  type AclBinding,
  type AclFilter,
  ALTER_QUOTAS_NAMES,
  type ClientQuota,
  type ClientQuotaAlteration,
  type ClientQuotaResult,
  CREATE_TOKEN_NAMES,
  type CreateAclResult,
  type CreateDelegationTokenOptions,
  type DelegationToken,
  type DeleteAclsResult,
  DESCRIBE_TOKENS_NAMES,
  type DescribeDelegationTokensOptions,
  EXPIRE_TOKEN_NAMES,
  type ExpireDelegationTokenOptions,
  NEW_ACL_NAMES,
  type NewAcl,
  QUOTA_ALTERATION_NAMES,
  QUOTA_ENTITY_NAMES,
  QUOTA_FILTER_NAMES,
  type QuotaFilter,
  RENEW_TOKEN_NAMES,
  type RenewDelegationTokenOptions,
  SCRAM_ALTERATION_NAMES,
  type UserResult,
  type UserScramAlteration,
  type UserScramCredentials,
} from "./security_types.ts";

/** Manages users, rules, quotas and delegation tokens. */
export class SecurityAdmin {
  readonly #core: ClientCore;

  /** @ignore Use `client.admin()`. */
  constructor(core: ClientCore) {
    this.#core = core;
  }

  /**
   * Describes users and the mechanisms that they can authenticate with (KIP-554).
   *
   * @param users The names of the users. Default: all.
   * @param options Time limit and signal.
   * @returns The users, sorted by name.
   * @throws {KafkaError} If a user has no credential, with `RESOURCE_NOT_FOUND`.
   */
  async describeUserScramCredentials(
    users?: readonly string[],
    options: OperationOptions = {},
  ): Promise<UserScramCredentials[]> {
    ensureKnown("describeUserScramCredentials()", options, OPERATION_NAMES);
    return await describeUsers(this.#core, users, options);
  }

  /**
   * Creates, changes and deletes credentials of users (KIP-554). Brokers take one change of a user at a
   * time: for a second mechanism, call it again.
   *
   * @param alterations The changes.
   * @param options Time limit and signal.
   * @returns The result for each user.
   */
  async alterUserScramCredentials(
    alterations: readonly UserScramAlteration[],
    options: OperationOptions = {},
  ): Promise<UserResult[]> {
    for (const each of alterations) {
      ensureKnown("alterUserScramCredentials()", each, SCRAM_ALTERATION_NAMES);
    }
    ensureKnown("alterUserScramCredentials()", options, OPERATION_NAMES);
    return await alterUsers(this.#core, alterations, options);
  }

  /**
   * Creates rules that allow or deny. A rule that exists stays, and one that cannot be created does not
   * affect the others.
   *
   * @param acls The rules.
   * @param options Time limit and signal.
   * @returns The result for each rule, in the order of `acls`.
   */
  async createAcls(
    acls: readonly NewAcl[],
    options: OperationOptions = {},
  ): Promise<CreateAclResult[]> {
    for (const acl of acls) ensureKnown("createAcls()", acl, NEW_ACL_NAMES);
    ensureKnown("createAcls()", options, OPERATION_NAMES);
    return await createAllAcls(this.#core, acls, options);
  }

  /**
   * Describes the rules of the cluster.
   *
   * @param filter Which rules. Default: all.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the cluster has no authorizer, with `SECURITY_DISABLED`.
   */
  async describeAcls(
    filter: AclFilter = {},
    options: OperationOptions = {},
  ): Promise<AclBinding[]> {
    ensureKnown("describeAcls()", filter, ACL_FILTER_NAMES);
    ensureKnown("describeAcls()", options, OPERATION_NAMES);
    return await describeAllAcls(this.#core, filter, options);
  }

  /**
   * Deletes the rules that match filters. An empty filter matches every rule.
   *
   * @param filters Which rules.
   * @param options Time limit and signal.
   * @returns The deleted rules for each filter, in the order of `filters`.
   */
  async deleteAcls(
    filters: readonly AclFilter[],
    options: OperationOptions = {},
  ): Promise<DeleteAclsResult[]> {
    for (const filter of filters) ensureKnown("deleteAcls()", filter, ACL_FILTER_NAMES);
    ensureKnown("deleteAcls()", options, OPERATION_NAMES);
    return await deleteAllAcls(this.#core, filters, options);
  }

  /**
   * Describes quotas (KIP-546).
   *
   * @param filter Which quotas. Default: all.
   * @param options Time limit and signal.
   */
  async describeClientQuotas(
    filter: QuotaFilter = {},
    options: OperationOptions = {},
  ): Promise<ClientQuota[]> {
    ensureKnown("describeClientQuotas()", filter, QUOTA_FILTER_NAMES);
    ensureKnown("describeClientQuotas()", options, OPERATION_NAMES);
    return await describeQuotas(this.#core, filter, options);
  }

  /**
   * Sets and removes quotas (KIP-546).
   *
   * @param alterations The changes; those of one entity are made together.
   * @param options Validation, time limit and signal.
   * @returns The result for each entity.
   */
  async alterClientQuotas(
    alterations: readonly ClientQuotaAlteration[],
    options: ChangeOptions = {},
  ): Promise<ClientQuotaResult[]> {
    for (const each of alterations) {
      ensureKnown("alterClientQuotas()", each, QUOTA_ALTERATION_NAMES);
      ensureKnown("alterClientQuotas()", each.entity, QUOTA_ENTITY_NAMES);
    }
    ensureKnown("alterClientQuotas()", options, ALTER_QUOTAS_NAMES);
    return await alterQuotas(this.#core, alterations, options);
  }

  /**
   * Creates a delegation token (KIP-48), with which another program can act for its owner.
   *
   * @param options Whose token, who may renew it, and how long.
   * @returns The token; its id and HMAC are user name and password for a SCRAM mechanism with
   * `isDelegationToken`.
   * @throws {KafkaError} If the client is not authenticated, with `DELEGATION_TOKEN_REQUEST_NOT_ALLOWED`.
   */
  async createDelegationToken(
    options: CreateDelegationTokenOptions = {},
  ): Promise<DelegationToken> {
    ensureKnown("createDelegationToken()", options, CREATE_TOKEN_NAMES);
    return await createToken(this.#core, options);
  }

  /**
   * Renews a delegation token.
   *
   * @param hmac The HMAC of the token in base64.
   * @param options For how long.
   * @returns When the token expires, in milliseconds since 1970.
   */
  async renewDelegationToken(
    hmac: string,
    options: RenewDelegationTokenOptions = {},
  ): Promise<number> {
    ensureKnown("renewDelegationToken()", options, RENEW_TOKEN_NAMES);
    return await renewToken(this.#core, hmac, options);
  }

  /**
   * Lets a delegation token expire.
   *
   * @param hmac The HMAC of the token in base64.
   * @param options When. Default: immediately.
   * @returns When the token expires, in milliseconds since 1970.
   */
  async expireDelegationToken(
    hmac: string,
    options: ExpireDelegationTokenOptions = {},
  ): Promise<number> {
    ensureKnown("expireDelegationToken()", options, EXPIRE_TOKEN_NAMES);
    return await expireToken(this.#core, hmac, options);
  }

  /**
   * Describes delegation tokens: those that the client owns or may renew, and others that it may
   * describe.
   *
   * @param options Whose tokens.
   * @returns The tokens, sorted by id.
   */
  async describeDelegationTokens(
    options: DescribeDelegationTokensOptions = {},
  ): Promise<DelegationToken[]> {
    ensureKnown("describeDelegationTokens()", options, DESCRIBE_TOKENS_NAMES);
    return await describeTokens(this.#core, options);
  }
}
