/**
 * When a bearer token expires.
 *
 * @module
 */

/**
 * Returns when a JWT expires (`exp` of RFC 7519), in milliseconds since 1970; undefined if it is no JWT, or
 * does not say. Nothing is verified: this is for messages.
 */
export function tokenExpiryMs(token: string): number | undefined {
  const payload = token.split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const { exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return typeof exp === "number" && exp > 0 ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
