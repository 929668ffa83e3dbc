/**
 * What the commands for delegation tokens share.
 *
 * @module
 */

import type { Admin, DelegationToken } from "../../../client/mod.ts";
import { CommandError } from "../../errors.ts";
import type { Json } from "../../records/json.ts";

/** A token in JSON. Its HMAC is its password. */
export function tokenToJson(token: DelegationToken): { readonly [name: string]: Json } {
  return {
    token_id: token.tokenId,
    owner: token.owner,
    requester: token.requester,
    renewers: token.renewers.slice(),
    issued: token.issuedAt,
    expires: token.expiresAt,
    max_expires: token.maxAt,
  };
}

/** A time for people. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * A token by its id, so that nobody has to put its HMAC on a command line.
 *
 * @throws {CommandError} If there is none that the user may see.
 */
export async function tokenById(
  admin: Admin,
  id: string,
  signal: AbortSignal,
): Promise<DelegationToken> {
  const tokens = await admin.describeDelegationTokens({ signal });
  const token = tokens.find(({ tokenId }) => tokenId === id);
  if (token !== undefined) return token;
  throw new CommandError(
    `Cannot find token "${id}": you may see ${tokens.length}, and it is none of them`,
  );
}
