/**
 * Gets a token for OAUTHBEARER from an identity provider, as Kafka's clients do (KIP-768): by OAuth's
 * client credentials grant (RFC 6749, 4.4).
 *
 * @module
 */

import { AuthenticationError, ConnectionError } from "../../client/errors.ts";
import { readBoundedBody } from "../../protocol/bounded_body.ts";
import {
  type ClientCredentials,
  parseTokenAnswer,
  tokenPlace,
  tokenRequest,
} from "../../protocol/sasl/token_grant.ts";
import { messageOf } from "../errors.ts";

/** Where tokens are, and what proves that this client may have one. */
export interface TokenEndpoint extends ClientCredentials {
  readonly url: URL;
}

/** The longest answer that is read. */
const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 10_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const AUTHENTICATION_FAILED = "SASL_AUTHENTICATION_FAILED";

/** Why a secret must not be sent to a URL; undefined if it may. */
export function tokenUrlProblem(
  { protocol, hostname, username, password }: URL,
): string | undefined {
  if (username !== "" || password !== "") return "it has a password";
  if (protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname))) return undefined;
  return "it must be https://, or http:// of this machine";
}

/**
 * Gets a token.
 *
 * @throws {ConnectionError} If the provider cannot be reached, or fails: another attempt may help.
 * @throws {AuthenticationError} If it refuses. No message has the secret, or the token.
 */
export async function fetchToken(
  { url, ...credentials }: TokenEndpoint,
  signal: AbortSignal,
): Promise<string> {
  const failure = `Cannot get a token from ${tokenPlace(url)}: `;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      ...tokenRequest(credentials),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    text = await readBoundedBody(response, MAX_BYTES);
  } catch (error) {
    throw new ConnectionError(failure + messageOf(error), {
      cause: error,
      advice: "Check sasl.oauthbearer.token.endpoint.url",
    });
  }
  const { token, reason } = parseTokenAnswer(text);
  const { ok, status } = response;
  if (!ok) {
    const message = `${failure}it answered with status ${status}` +
      (reason === "" ? "" : ` (${reason})`);
    if (status === 429 || status >= 500) {
      throw new ConnectionError(message, { advice: "Check the identity provider" });
    }
    const advice = "Check the client's id, secret and scope";
    throw new AuthenticationError(AUTHENTICATION_FAILED, message, { advice });
  }
  if (token !== undefined) return token;
  throw new AuthenticationError(
    AUTHENTICATION_FAILED,
    `${failure}its answer has no access_token`,
    { advice: "Check sasl.oauthbearer.token.endpoint.url" },
  );
}
