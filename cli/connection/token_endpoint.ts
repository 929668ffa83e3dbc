/**
 * Gets a token for OAUTHBEARER from an identity provider, as Kafka's clients do (KIP-768): by OAuth's
 * client credentials grant (RFC 6749, 4.4).
 *
 * @module
 */

import { AuthenticationError, ConnectionError } from "../../client/errors.ts";
import { messageOf } from "../errors.ts";

/** Where tokens are, and what proves that this client may have one. */
export interface TokenEndpoint {
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the token is for, if the provider asks for that. */
  readonly scope?: string | undefined;
  /** Whether id and secret are URL-encoded (`sasl.oauthbearer.header.urlencode`). */
  readonly isUrlEncoded?: boolean;
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
export async function fetchToken(endpoint: TokenEndpoint, signal: AbortSignal): Promise<string> {
  const { url, clientId, clientSecret, scope, isUrlEncoded } = endpoint;
  const encode = isUrlEncoded ? encodeURIComponent : String;
  const credentials = new TextEncoder().encode(`${encode(clientId)}:${encode(clientSecret)}`);
  const body = new URLSearchParams({ grant_type: "client_credentials" });
  if (scope !== undefined) body.set("scope", scope);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { accept: "application/json", authorization: `Basic ${credentials.toBase64()}` },
      body,
      // The secret is for this address alone.
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    text = await textOf(response);
  } catch (error) {
    throw new ConnectionError(`Cannot get a token from ${placeOf(url)}: ${messageOf(error)}`, {
      cause: error,
      advice: "Check sasl.oauthbearer.token.endpoint.url",
    });
  }
  const json = parsed(text);
  if (!response.ok) throw refused(url, response.status, json);
  const { access_token: token } = json;
  if (typeof token === "string" && token !== "") return token;
  throw new AuthenticationError(
    AUTHENTICATION_FAILED,
    `Cannot get a token from ${placeOf(url)}: its answer has no access_token`,
    { advice: "Check sasl.oauthbearer.token.endpoint.url" },
  );
}

function refused(url: URL, status: number, json: Record<string, unknown>): Error {
  const details = [json.error, json.error_description]
    .filter((each) => typeof each === "string").join(", ").slice(0, 200);
  const message = `Cannot get a token from ${placeOf(url)}: it answered with status ${status}` +
    (details === "" ? "" : ` (${details})`);
  if (status === 429 || status >= 500) {
    return new ConnectionError(message, { advice: "Check the identity provider" });
  }
  return new AuthenticationError(AUTHENTICATION_FAILED, message, {
    advice: "Check the client's id, secret and scope",
  });
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new TypeError(`its answer is longer than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return await new Blob(chunks).text();
}

function parsed(text: string): Record<string, unknown> {
  try {
    const json = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : {};
  } catch {
    return {};
  }
}

/** Without a query, which may have secrets. */
function placeOf({ origin, pathname }: URL): string {
  return origin + pathname;
}
