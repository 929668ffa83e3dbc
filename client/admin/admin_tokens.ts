/**
 * Delegation tokens (KIP-48): secrets with which others act for a user, until they expire.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { createDelegationToken } from "../../protocol/messages/security/create_delegation_token.ts";
import { describeDelegationToken } from "../../protocol/messages/security/describe_delegation_token.ts";
import { expireDelegationToken } from "../../protocol/messages/security/expire_delegation_token.ts";
import { renewDelegationToken } from "../../protocol/messages/security/renew_delegation_token.ts";
import type { ClientCore } from "../connection/client_core.ts";
import { KafkaError, UsageError } from "../errors.ts";
import type {
  CreateDelegationTokenOptions,
  DelegationToken,
  DescribeDelegationTokensOptions,
  ExpireDelegationTokenOptions,
  RenewDelegationTokenOptions,
} from "./security_types.ts";

/** The first version of CreateDelegationToken with an owner (KIP-373). */
const FIRST_VERSION_WITH_OWNER = 3;
/** The broker's own limit or period. */
const BROKER_DEFAULT = -1;

/** Creates a token. */
export async function createToken(
  core: ClientCore,
  { owner, renewers = [], maxLifetimeMs, ...options }: CreateDelegationTokenOptions,
): Promise<DelegationToken> {
  const action = "create a delegation token";
  const of = owner === undefined ? undefined : principalOf(owner);
  const body = {
    renewers: renewers.map(principalOf),
    maxLifetimeMs: maxLifetimeMs ?? BROKER_DEFAULT,
    ...(of === undefined
      ? {}
      : { ownerPrincipalType: of.principalType, ownerPrincipalName: of.principalName }),
  };
  const minVersion = of === undefined
    ? createDelegationToken.versions.min
    : FIRST_VERSION_WITH_OWNER;
  return await core.retry(action, options, async (signal) => {
    const answer = await core.requestController(createDelegationToken, body, {
      signal,
      minVersion,
    });
    ensureNone(action, answer.errorCode);
    return {
      tokenId: answer.tokenId,
      hmac: answer.hmac.toBase64(),
      owner: nameOf(answer.principalType, answer.principalName),
      requester: nameOf(answer.tokenRequesterPrincipalType, answer.tokenRequesterPrincipalName),
      renewers: [...renewers],
      issuedAt: answer.issueTimestampMs,
      expiresAt: answer.expiryTimestampMs,
      maxAt: answer.maxTimestampMs,
    };
  });
}

/** Renews a token. Returns when it expires then. */
export async function renewToken(
  core: ClientCore,
  hmac: string,
  { periodMs, ...options }: RenewDelegationTokenOptions,
): Promise<number> {
  const action = "renew the delegation token";
  const body = { hmac: bytesOf(hmac), renewPeriodMs: periodMs ?? BROKER_DEFAULT };
  return await core.retry(action, options, async (signal) => {
    const answer = await core.requestController(renewDelegationToken, body, { signal });
    ensureNone(action, answer.errorCode);
    return answer.expiryTimestampMs;
  });
}

/** Lets a token expire. Returns when it does. */
export async function expireToken(
  core: ClientCore,
  hmac: string,
  { afterMs = 0, ...options }: ExpireDelegationTokenOptions,
): Promise<number> {
  const action = "expire the delegation token";
  // Brokers take 0 for a token that expires now but is kept until it is cleaned up.
  const body = { hmac: bytesOf(hmac), expiryTimePeriodMs: afterMs <= 0 ? -1 : afterMs };
  return await core.retry(action, options, async (signal) => {
    const answer = await core.requestController(expireDelegationToken, body, { signal });
    ensureNone(action, answer.errorCode);
    return answer.expiryTimestampMs;
  });
}

/** Describes tokens. */
export async function describeTokens(
  core: ClientCore,
  { owners, ...options }: DescribeDelegationTokensOptions,
): Promise<DelegationToken[]> {
  const action = "describe delegation tokens";
  const body = { owners: owners?.map(principalOf) ?? null };
  return await core.retry(action, options, async (signal) => {
    const answer = await core.requestAny(describeDelegationToken, body, { signal });
    ensureNone(action, answer.errorCode);
    return answer.tokens.map((token) => ({
      tokenId: token.tokenId,
      hmac: token.hmac.toBase64(),
      owner: nameOf(token.principalType, token.principalName),
      requester: nameOf(token.tokenRequesterPrincipalType, token.tokenRequesterPrincipalName),
      renewers: token.renewers.map((each) => nameOf(each.principalType, each.principalName)),
      issuedAt: token.issueTimestamp,
      expiresAt: token.expiryTimestamp,
      maxAt: token.maxTimestamp,
    })).sort((a, b) => a.tokenId < b.tokenId ? -1 : 1);
  });
}

function ensureNone(action: string, errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw new KafkaError(action, errorCode);
}

/** @throws {UsageError} If it is not a type and a name. */
function principalOf(text: string): { principalType: string; principalName: string } {
  const colon = text.indexOf(":");
  if (colon <= 0 || colon === text.length - 1) {
    throw new UsageError(
      `Cannot use "${text}" as a principal: it must be TYPE:NAME, as User:alice`,
    );
  }
  return { principalType: text.slice(0, colon), principalName: text.slice(colon + 1) };
}

function nameOf(type: string, name: string): string {
  return type === "" ? "" : `${type}:${name}`;
}

/** @throws {UsageError} If it is not base64; the text is not shown. */
function bytesOf(hmac: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(hmac);
  } catch {
    throw new UsageError("Cannot use the HMAC of a delegation token: it must be in base64");
  }
}
