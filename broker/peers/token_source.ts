/**
 * Where the tokens come from by which a broker logs in to others: a provider that takes client
 * credentials (RFC 6749, 4.4), or a file that something else writes.
 *
 * @module
 */

import { OAUTHBEARER } from "../../protocol/sasl/oauthbearer.ts";
import type { JaasConfig } from "../../protocol/sasl/jaas_config.ts";
import { readBoundedBody, readBoundedFile } from "../security/sasl/bounded_text.ts";
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
/** Longest part of a provider's explanation that is logged. */
const MAX_REASON_LENGTH = 256;
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
    throw new TokenSourceError(`set ${ID_SETTING} to its name at ${nameOf(place)}`);
  }
  if (secret === undefined) throw new TokenSourceError(`set ${SECRET_SETTING}`);
  const timeoutMs = (config.get("sasl.login.connect.timeout.ms", OAUTHBEARER) ??
    DEFAULT_TIMEOUT_MS) +
    (config.get("sasl.login.read.timeout.ms", OAUTHBEARER) ?? DEFAULT_TIMEOUT_MS);
  const credentials = new TextEncoder().encode(`${id}:${secret}`).toBase64();
  return {
    place: nameOf(place),
    isFile: false,
    get: () => fromProvider(place, credentials, scope, timeoutMs),
  };
}

/** A provider without its query, which may have secrets. */
function nameOf({ origin, pathname }: URL): string {
  return origin + pathname;
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
  credentials: string,
  scope: string | undefined,
  timeoutMs: number,
): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      // Credentials are for this place and no other.
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: "application/json", authorization: `Basic ${credentials}` },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        ...(scope === undefined ? {} : { scope }),
      }),
    });
    text = await readBoundedBody(response, MAX_BYTES);
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    const reason = isLate
      ? `it has not answered within ${timeoutMs} ms`
      : String(error).replaceAll(url.href, nameOf(url));
    throw new TokenSourceError(`${nameOf(url)} gives no token: ${reason}`, { cause: error });
  }
  const answer = parse(text);
  if (!response.ok) throw new TokenSourceError(refusal(url, response.status, answer));
  const token = answer["access_token"] ?? answer["id_token"];
  if (typeof token === "string" && token !== "") return token;
  throw new TokenSourceError(`${nameOf(url)} gives no token: its answer has no access_token`);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

function refusal(url: URL, status: number, answer: Readonly<Record<string, unknown>>): string {
  const reasons = [answer["error"], answer["error_description"]]
    .filter((each) => typeof each === "string").join(": ").slice(0, MAX_REASON_LENGTH);
  const advice = status < 500 ? `; check ${ID_SETTING} and its secret` : "";
  return `${nameOf(url)} gives no token: it answers ${status}` +
    `${reasons === "" ? "" : ` (${reasons})`}${advice}`;
}
