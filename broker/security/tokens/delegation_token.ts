/**
 * A delegation token, and its record in the metadata store.
 *
 * @module
 */

import { formatPrincipal, parsePrincipal, type Principal } from "../principal.ts";

/** A delegation token, without its secret. */
export interface DelegationToken {
  readonly id: string;
  /** Whom those who authenticate with it act for. */
  readonly owner: Principal;
  /** Who asked for it. */
  readonly requester: Principal;
  /** Who else may renew and expire it. */
  readonly renewers: readonly Principal[];
  /** Times in milliseconds since the epoch: when it was issued, expires, and expires for good. */
  readonly issuedMs: number;
  readonly expiryMs: number;
  readonly maxMs: number;
}

/** The record as JSON; principals are texts such as `User:alice`. */
interface TokenValue {
  readonly v: number;
  readonly owner: string;
  readonly requester: string;
  readonly renewers: readonly string[];
  readonly issued: number;
  readonly expiry: number;
  readonly max: number;
}

const VERSION = 1;

/** Prefix of the keys of tokens. */
export const TOKENS_PREFIX = "tokens/";

/** The key of a token's record. */
export function tokenKey(id: string): string {
  return `${TOKENS_PREFIX}${encodeURIComponent(id)}`;
}

/** Encodes a token's record. */
export function encodeToken(token: DelegationToken): Uint8Array {
  const value: TokenValue = {
    v: VERSION,
    owner: formatPrincipal(token.owner),
    requester: formatPrincipal(token.requester),
    renewers: token.renewers.map(formatPrincipal),
    issued: token.issuedMs,
    expiry: token.expiryMs,
    max: token.maxMs,
  };
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The id of the token with a record; undefined if the key is not one of a token. */
export function tokenIdOf(key: string): string | undefined {
  try {
    return decodeURIComponent(key.slice(TOKENS_PREFIX.length));
  } catch {
    return undefined;
  }
}

/** Decodes a token's record; undefined if it cannot be read. */
export function decodeToken(key: string, bytes: Uint8Array): DelegationToken | undefined {
  try {
    const id = tokenIdOf(key);
    const value = JSON.parse(new TextDecoder().decode(bytes)) as TokenValue;
    const { v, issued, expiry, max } = value;
    if (id === undefined || v !== VERSION || ![issued, expiry, max].every(Number.isSafeInteger)) {
      return undefined;
    }
    return {
      id,
      owner: principalOf(value.owner),
      requester: principalOf(value.requester),
      renewers: value.renewers.map(principalOf),
      issuedMs: issued,
      expiryMs: expiry,
      maxMs: max,
    };
  } catch {
    return undefined;
  }
}

function principalOf(text: string): Principal {
  const principal = parsePrincipal(text);
  if (principal === undefined) throw new TypeError("The record has an invalid principal");
  return principal;
}

/** Whether two principals are the same, however they have authenticated. */
export function isSamePrincipal(a: Principal, b: Principal): boolean {
  return a.type === b.type && a.name === b.name;
}

/** Whether a principal may renew and expire a token. Who asked for one for somebody else may not. */
export function mayRenew({ owner, renewers }: DelegationToken, principal: Principal): boolean {
  return [owner, ...renewers].some((of) => isSamePrincipal(of, principal));
}

/** Whether a token concerns a principal, who may describe it. */
export function concerns(token: DelegationToken, principal: Principal): boolean {
  return isSamePrincipal(token.requester, principal) || mayRenew(token, principal);
}
