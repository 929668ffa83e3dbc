/**
 * Where the tokens come from by which a broker logs in to others: a provider that takes client
 * credentials (RFC 6749, 4.4), or a file that something else writes.
 *
 * @module
 */

import { readBoundedBody } from "../../protocol/bounded_body.ts";
import {
  type ClientCredentials,
  parseTokenAnswer,
  tokenPlace,
  tokenRequest,
} from "../../protocol/sasl/token_grant.ts";
import { OAUTHBEARER } from "../../protocol/sasl/oauthbearer.ts";
import type { JaasConfig } from "../../protocol/sasl/jaas_config.ts";
import { readBoundedFile } from "../security/sasl/bounded_file.ts";
import type { ListenerConfig } from "../settings/config.ts";
import type { SettingName } from "../settings/settings.ts";

/** A token cannot be had; the message says what to change, and has no part of a secret. */
export class TokenSourceError extends Error {
  override name = "TokenSourceError";
}

/** Gets a token. */
export interface TokenSource {
  /** The place, for messages. */
  readonly place: string;
  /** Whether getting a token costs nothing, so that none is kept. */
  readonly isFile: boolean;
  /** @throws {TokenSourceError} If there is none. */
  get(): Promise<string>;
}

const URL_SETTING = "sasl.oauthbearer.token.endpoint.url" satisfies SettingName;
const ID_SETTING = "sasl.oauthbearer.client.credentials.client.id" satisfies SettingName;
const SECRET_SETTING = "sasl.oauthbearer.client.credentials.client.secret" satisfies SettingName;

const MAX_BYTES = 64 * 1024;
const DEFAULT_TIMEOUT_MS = 5000;

/**
 * The source that settings name. What they do not say is taken from the login module, where Kafka had it
 * before version 4.1.
 *
 * @throws {TokenSourceError} If a setting is missing.
 */
export function tokenSource(
  config: Pick<ListenerConfig, "get">,
  jaas: JaasConfig | undefined,
): TokenSource {
  const url = config.get(URL_SETTING, OAUTHBEARER);
  if (url === null) {
    throw new TokenSourceError(`set ${URL_SETTING} to where its token comes from`);
  }
  const place = new URL(url);
  if (place.protocol === "file:") {
    return { place: place.href, isFile: true, get: () => fromFile(place) };
  }
  const id = config.get(ID_SETTING, OAUTHBEARER) ?? jaas?.options.get("clientId");
  const secret = config.get(SECRET_SETTING, OAUTHBEARER)?.reveal() ??
    jaas?.options.get("clientSecret");
  const scope = config.get("sasl.oauthbearer.scope", OAUTHBEARER) ?? jaas?.options.get("scope");
  if (id === undefined) {
    throw new TokenSourceError(`set ${ID_SETTING} to its name at ${tokenPlace(place)}`);
  }
  if (secret === undefined) throw new TokenSourceError(`set ${SECRET_SETTING}`);
  const timeoutMs = (config.get("sasl.login.connect.timeout.ms", OAUTHBEARER) ??
    DEFAULT_TIMEOUT_MS) +
    (config.get("sasl.login.read.timeout.ms", OAUTHBEARER) ?? DEFAULT_TIMEOUT_MS);
  const credentials = { clientId: id, clientSecret: secret, scope };
  return {
    place: tokenPlace(place),
    isFile: false,
    get: () => fromProvider(place, credentials, timeoutMs),
  };
}

async function fromFile(url: URL): Promise<string> {
  let text: string;
  try {
    text = await readBoundedFile(url, MAX_BYTES);
  } catch (error) {
    throw new TokenSourceError(
      `the file of ${URL_SETTING} cannot be read: ${
        error instanceof Error ? error.message : error
      }`,
      { cause: error },
    );
  }
  const token = text.trim();
  if (token === "") throw new TokenSourceError(`the file ${url.href} of ${URL_SETTING} is empty`);
  return token;
}

async function fromProvider(
  url: URL,
  credentials: ClientCredentials,
  timeoutMs: number,
): Promise<string> {
  const place = tokenPlace(url);
  let response: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    response = await fetch(url, { ...tokenRequest(credentials), signal });
    text = await readBoundedBody(response, MAX_BYTES);
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    const reason = isLate
      ? `it has not answered within ${timeoutMs} ms`
      : String(error).replaceAll(url.href, place);
    throw new TokenSourceError(`${place} gives no token: ${reason}`, { cause: error });
  }
  const { token, reason } = parseTokenAnswer(text);
  if (!response.ok) {
    const advice = response.status < 500 ? `; check ${ID_SETTING} and its secret` : "";
    throw new TokenSourceError(
      `${place} gives no token: it answers ${response.status}` +
        `${reason === "" ? "" : ` (${reason})`}${advice}`,
    );
  }
  if (token !== undefined) return token;
  throw new TokenSourceError(`${place} gives no token: its answer has no access_token`);
}
