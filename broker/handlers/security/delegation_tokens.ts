/**
 * CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken and DescribeDelegationToken
 * (KIP-48). Versions 1 to 3, 1 to 2, 1 to 2 and 1 to 3.
 *
 * A token represents an authenticated principal, but clients of this broker do not authenticate:
 * all four return DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as Kafka's PLAINTEXT listeners do.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { createDelegationToken } from "../../../protocol/messages/security/create_delegation_token.ts";
import { describeDelegationToken } from "../../../protocol/messages/security/describe_delegation_token.ts";
import { expireDelegationToken } from "../../../protocol/messages/security/expire_delegation_token.ts";
import { renewDelegationToken } from "../../../protocol/messages/security/renew_delegation_token.ts";
import { unchecked } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";

const NEVER = -1;
const REFUSAL = { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED };
const REFUSED_CHANGE = { ...REFUSAL, expiryTimestampMs: NEVER };
/** The principal of every client. */
const PRINCIPAL = { principalType: "User", principalName: "ANONYMOUS" };
const REQUESTER = {
  tokenRequesterPrincipalType: PRINCIPAL.principalType,
  tokenRequesterPrincipalName: PRINCIPAL.principalName,
};
const FIRST_VERSION_WITH_REQUESTER = 3;

/** Serves CreateDelegationToken. */
export const createDelegationTokenHandler: ApiHandler = handler(
  createDelegationToken,
  (_, { apiVersion }: RequestContext) => ({
    ...REFUSAL,
    ...PRINCIPAL,
    ...(apiVersion >= FIRST_VERSION_WITH_REQUESTER ? REQUESTER : {}),
    issueTimestampMs: NEVER,
    expiryTimestampMs: NEVER,
    maxTimestampMs: NEVER,
    tokenId: "",
    hmac: new Uint8Array(0),
  }),
  unchecked,
);

/** Serves RenewDelegationToken. */
export const renewDelegationTokenHandler: ApiHandler = handler(
  renewDelegationToken,
  () => REFUSED_CHANGE,
  unchecked,
);

/** Serves ExpireDelegationToken. */
export const expireDelegationTokenHandler: ApiHandler = handler(
  expireDelegationToken,
  () => REFUSED_CHANGE,
  unchecked,
);

/** Serves DescribeDelegationToken. */
export const describeDelegationTokenHandler: ApiHandler = handler(
  describeDelegationToken,
  () => ({ ...REFUSAL, tokens: [] }),
  unchecked,
);
