/**
 * CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken and DescribeDelegationToken
 * (KIP-48). Versions 1 to 3, 1 to 2, 1 to 2 and 1 to 3.
 *
 * A token represents the principal of a client that has authenticated, and not by a token: others get
 * DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. Unlike in Kafka, tokens and the renewers of a token are limited in
 * number.
 *
 * Version 3 of the first and the last can name another owner (KIP-373).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import {
  createDelegationToken,
  type CreateDelegationTokenRequest,
  type CreateDelegationTokenResponse,
} from "../../../protocol/messages/security/create_delegation_token.ts";
import {
  describeDelegationToken,
  type DescribeDelegationTokenRequest,
  type DescribeDelegationTokenResponse,
} from "../../../protocol/messages/security/describe_delegation_token.ts";
import { expireDelegationToken } from "../../../protocol/messages/security/expire_delegation_token.ts";
import { renewDelegationToken } from "../../../protocol/messages/security/renew_delegation_token.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ApiError } from "../../api_error.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { ANONYMOUS, formatPrincipal, type Principal, USER_TYPE } from "../../security/principal.ts";
import {
  concerns,
  type DelegationToken,
  type DelegationTokens,
  delegationTokensOf,
} from "../../security/tokens/mod.ts";
import { check, inHandler, mayDo, rule } from "../access/mod.ts";
import { byName } from "../each_item.ts";
import { ResponseBudget } from "../response_budget.ts";
import { failure } from "../outcome.ts";
import { onlyLocalWhileOpen } from "./only_local_while_open.ts";

const NEVER = -1;
const NO_BYTES = new Uint8Array(0);
const FIRST_VERSION_WITH_OWNER = 3;
/** Most renewers of a token. */
const MAX_RENEWERS = 100;
/** Size of a token or a renewer in a response, without names. */
const TOKEN_BYTES = 200;
const RENEWER_BYTES = 20;

/** Serves CreateDelegationToken. */
export const createDelegationTokenHandler: ApiHandler = handler(
  createDelegationToken,
  async (request, context) => {
    const owner = ownerOf(request, context);
    try {
      return created(await create(owner, request, context), context);
    } catch (error) {
      const { errorCode } = failure(error, context);
      return {
        errorCode,
        ...principalsOf(owner, context.session.principal, context),
        issueTimestampMs: NEVER,
        expiryTimestampMs: NEVER,
        maxTimestampMs: NEVER,
        tokenId: "",
        hmac: NO_BYTES,
      };
    }
  },
  inHandler(rule(AclOperation.createTokens, AclResourceType.user, "request")),
);

/** Serves RenewDelegationToken. */
export const renewDelegationTokenHandler: ApiHandler = handler(
  renewDelegationToken,
  ({ hmac, renewPeriodMs }, context) =>
    change(
      context,
      renewDelegationToken.name,
      (tokens, principal) => tokens.renew(hmac, principal, renewPeriodMs),
    ),
  inHandler(),
);

/** Serves ExpireDelegationToken. */
export const expireDelegationTokenHandler: ApiHandler = handler(
  expireDelegationToken,
  ({ hmac, expiryTimePeriodMs }, context) =>
    change(
      context,
      expireDelegationToken.name,
      (tokens, principal) => tokens.expire(hmac, principal, expiryTimePeriodMs),
    ),
  inHandler(),
);

/** Serves DescribeDelegationToken. */
export const describeDelegationTokenHandler: ApiHandler = handler(
  describeDelegationToken,
  async ({ owners }, context): Promise<DescribeDelegationTokenResponse> => {
    try {
      return await describe(owners, context);
    } catch (error) {
      return { errorCode: failure(error, context).errorCode, tokens: [] };
    }
  },
  inHandler(
    rule(AclOperation.describe, AclResourceType.delegationToken, "shown"),
    rule(AclOperation.describeTokens, AclResourceType.user, "shown"),
  ),
);

function ownerOf(
  { ownerPrincipalType, ownerPrincipalName }: CreateDelegationTokenRequest,
  { session: { principal } }: RequestContext,
): Principal {
  return ownerPrincipalName === null || ownerPrincipalName === ""
    ? principal
    : { type: ownerPrincipalType ?? "", name: ownerPrincipalName };
}

async function create(
  owner: Principal,
  { renewers, maxLifetimeMs }: CreateDelegationTokenRequest,
  context: RequestContext,
): Promise<DelegationToken> {
  checkRequester(context);
  const { session: { principal: requester }, broker } = context;
  if (owner.type !== requester.type || owner.name !== requester.name) {
    check(context, AclOperation.createTokens, AclResourceType.user, formatPrincipal(owner));
  }
  if (owner.type !== USER_TYPE || renewers.some(({ principalType: type }) => type !== USER_TYPE)) {
    throw new ApiError(ErrorCode.INVALID_PRINCIPAL_TYPE);
  }
  if (
    renewers.length > MAX_RENEWERS || renewers.some(({ principalName }) => principalName === "")
  ) {
    throw new ApiError(ErrorCode.INVALID_REQUEST);
  }
  const token = await delegationTokensOf(broker).create({
    owner,
    requester,
    renewers: renewers.map(({ principalType: type, principalName: name }) => ({ type, name })),
    maxLifetimeMs,
  });
  audit(context, createDelegationToken.name, token.id);
  return token;
}

function created(token: DelegationToken, context: RequestContext): CreateDelegationTokenResponse {
  return {
    errorCode: ErrorCode.NONE,
    ...principalsOf(token.owner, token.requester, context),
    issueTimestampMs: token.issuedMs,
    expiryTimestampMs: token.expiryMs,
    maxTimestampMs: token.maxMs,
    tokenId: token.id,
    hmac: delegationTokensOf(context.broker).secretOf(token.id),
  };
}

function principalsOf(owner: Principal, requester: Principal, { apiVersion }: RequestContext) {
  return {
    principalType: owner.type,
    principalName: owner.name,
    ...(apiVersion < FIRST_VERSION_WITH_OWNER ? {} : {
      tokenRequesterPrincipalType: requester.type,
      tokenRequesterPrincipalName: requester.name,
    }),
  };
}

async function change(
  context: RequestContext,
  api: string,
  apply: (tokens: DelegationTokens, principal: Principal) => Promise<number>,
) {
  try {
    checkRequester(context);
    const expiryTimestampMs = await apply(
      delegationTokensOf(context.broker),
      context.session.principal,
    );
    audit(context, api);
    return { errorCode: ErrorCode.NONE, expiryTimestampMs };
  } catch (error) {
    return { errorCode: failure(error, context).errorCode, expiryTimestampMs: NEVER };
  }
}

async function describe(
  owners: DescribeDelegationTokenRequest["owners"],
  context: RequestContext,
): Promise<DescribeDelegationTokenResponse> {
  checkRequester(context);
  const tokens = delegationTokensOf(context.broker);
  if (!tokens.isEnabled) throw new ApiError(ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED);
  const asked = owners === null ? undefined : await byName(
    owners,
    ({ principalType: type, principalName: name }) => formatPrincipal({ type, name }),
  );
  const budget = new ResponseBudget(context);
  const found: DescribeDelegationTokenResponse["tokens"][number][] = [];
  const slice = new TimeSlice();
  for (const token of tokens.all()) {
    if (slice.isOver) await slice.pause();
    if (!isAsked(token, asked) || !isShown(token, context)) continue;
    budget.require(TOKEN_BYTES + RENEWER_BYTES * token.renewers.length + lengthOf(token));
    found.push({
      ...principalsOf(token.owner, token.requester, context),
      issueTimestamp: token.issuedMs,
      expiryTimestamp: token.expiryMs,
      maxTimestamp: token.maxMs,
      tokenId: token.id,
      hmac: tokens.secretOf(token.id),
      renewers: token.renewers.map(({ type, name }) => ({
        principalType: type,
        principalName: name,
      })),
    });
  }
  await budget.claim();
  return { errorCode: ErrorCode.NONE, tokens: found };
}

/** Whether a token belongs to one of the principals that a client asked for. */
function isAsked(
  { owner, requester, renewers }: DelegationToken,
  asked: ReadonlyMap<string, unknown> | undefined,
): boolean {
  return asked === undefined ||
    [owner, requester, ...renewers].some((of) => asked.has(formatPrincipal(of)));
}

/** Whether a client may know of a token, with its secret. */
function isShown(token: DelegationToken, context: RequestContext): boolean {
  const { describe, describeTokens } = AclOperation;
  const { delegationToken, user } = AclResourceType;
  return concerns(token, context.session.principal) ||
    mayDo(context, describe, delegationToken, token.id) ||
    mayDo(context, describeTokens, user, formatPrincipal(token.owner));
}

/** Upper bound of the bytes of a token's names. */
function lengthOf({ owner, requester, renewers }: DelegationToken): number {
  return [owner, requester, ...renewers]
    .reduce((sum, { type, name }) => sum + 3 * (type.length + name.length), 0);
}

/** @throws {ApiError} DELEGATION_TOKEN_REQUEST_NOT_ALLOWED unless the client has shown who it is. */
function checkRequester(context: RequestContext): void {
  const { principal, listener: { protocol } } = context.session;
  const isAnonymous = principal.type === ANONYMOUS.type && principal.name === ANONYMOUS.name;
  if (
    principal.isTokenAuthenticated === true || protocol === "PLAINTEXT" ||
    (protocol === "SSL" && isAnonymous)
  ) throw new ApiError(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
  onlyLocalWhileOpen(context);
}

/** Records a change, without the secret. */
function audit({ broker, session, clientId }: RequestContext, api: string, id?: string): void {
  broker.audit.record({
    event: "change",
    session,
    clientId,
    api,
    resourceType: "DELEGATION_TOKEN",
    ...(id === undefined ? {} : { resource: id }),
  });
}
