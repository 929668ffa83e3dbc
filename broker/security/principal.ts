/**
 * Who a connection belongs to.
 *
 * A principal comes from the authenticator alone, never from a field that a client sends, apart from
 * an Envelope of a broker.
 *
 * @module
 */

/** A user, or another kind of identity. Kafka writes it as `User:alice`. */
export interface Principal {
  /** The kind; `User` for everyone who authenticates. */
  readonly type: string;
  /** The name, unique within the kind. Case-sensitive. */
  readonly name: string;
  /** Whether it was authenticated by a delegation token (KIP-48). Default: false. */
  readonly isTokenAuthenticated?: boolean;
}

/** The type of principals that authenticate. */
export const USER_TYPE = "User";

/** Who is not authenticated. */
export const ANONYMOUS: Principal = { type: USER_TYPE, name: "ANONYMOUS" };

/** Formats a principal as Kafka does, such as `User:alice`. */
export function formatPrincipal({ type, name }: Principal): string {
  return `${type}:${name}`;
}

/** Parses `Type:name`; undefined if the text has another form. */
export function parsePrincipal(text: string): Principal | undefined {
  const colon = text.indexOf(":");
  if (colon <= 0 || colon === text.length - 1) return undefined;
  return { type: text.slice(0, colon), name: text.slice(colon + 1) };
}
