/**
 * The request for a token of OAUTHBEARER at an identity provider, and its answer, as of Kafka's clients
 * (KIP-768): OAuth's client credentials grant (RFC 6749, 4.4).
 *
 * @module
 */

/** What proves to a provider that one may have a token. */
export interface ClientCredentials {
  /** The name at the provider. */
  readonly clientId: string;
  /** The secret that the provider knows. */
  readonly clientSecret: string;
  /** What the token is for, if the provider asks for that. */
  readonly scope?: string | undefined;
  /** Whether id and secret are URL-encoded (`sasl.oauthbearer.header.urlencode`). */
  readonly isUrlEncoded?: boolean;
}

/** What a provider says. */
export interface TokenAnswer {
  /** The token, if there is one. */
  readonly token: string | undefined;
  /** Why there is none, in the provider's words; empty if it does not say. */
  readonly reason: string;
}

/** Longest part of a provider's explanation that is shown. */
const MAX_REASON_LENGTH = 256;

/** The request, for `fetch`. */
export function tokenRequest(
  { clientId, clientSecret, scope, isUrlEncoded = false }: ClientCredentials,
): RequestInit {
  const encode = isUrlEncoded ? encodeURIComponent : String;
  const credentials = new TextEncoder().encode(`${encode(clientId)}:${encode(clientSecret)}`);
  return {
    method: "POST",
    headers: { accept: "application/json", authorization: `Basic ${credentials.toBase64()}` },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      ...(scope === undefined ? {} : { scope }),
    }),
    // Credentials are for this place and no other.
    redirect: "error",
  };
}

/** Reads the body of an answer. One that is no JSON has nothing. */
export function parseTokenAnswer(text: string): TokenAnswer {
  const answer = objectIn(text);
  const token = answer["access_token"] ?? answer["id_token"];
  const reason = [answer["error"], answer["error_description"]]
    .filter((each) => typeof each === "string").join(": ").slice(0, MAX_REASON_LENGTH);
  return { token: typeof token === "string" && token !== "" ? token : undefined, reason };
}

/** A provider without its query, which may have secrets. */
export function tokenPlace({ origin, pathname }: URL): string {
  return origin + pathname;
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
