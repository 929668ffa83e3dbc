/**
 * The mechanism OAUTHBEARER (RFC 7628, KIP-255): a bearer token, and the server's answer to a bad one.
 *
 *     client-first  n,[a=authzid],^Aauth=Bearer <token>^A[key=value^A]...^A
 *     server        {"status":"invalid_token"}, after which the client sends ^A
 *
 * @module
 */

import { escapeName, unescapeName } from "./scram_messages.ts";
import type { SaslClient } from "./sasl_client.ts";
import { bytesOf, SaslMessageError, textOf } from "./sasl_error.ts";

/** The name of the mechanism. */
export const OAUTHBEARER = "OAUTHBEARER";

/** The message of a client. */
export interface OAuthBearerMessage {
  /** Who the client wants to act as; empty for the subject of the token. */
  readonly authzid: string;
  /** The token, a JWT. */
  readonly token: string;
  /** Further values by name (KIP-342). */
  readonly extensions: ReadonlyMap<string, string>;
}

const SEPARATOR = "\x01";
const GS2 = /^n,(?:a=([^,]*))?,$/;
/** RFC 6750's form of a token. */
const TOKEN = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const EXTENSION_NAME = /^[A-Za-z]+$/;
const EXTENSION_VALUE = /^[\x21-\x7e \t\r\n]+$/;

/** What the client sends in answer to a refusal. */
export const OAUTHBEARER_ACKNOWLEDGEMENT: Uint8Array = new Uint8Array([1]);

/** Encodes the message of a client. @throws {TypeError} If it cannot be encoded. */
export function formatOAuthBearer({ authzid, token, extensions }: OAuthBearerMessage): Uint8Array {
  if (!TOKEN.test(`Bearer ${token}`)) {
    throw new TypeError("A token has characters that no bearer token has");
  }
  const values = Array.from(extensions, ([name, value]) => {
    checkExtension(name, value, TypeError);
    return `${name}=${value}${SEPARATOR}`;
  });
  const actsAs = authzid === "" ? "" : `a=${escapeName(authzid)}`;
  return bytesOf(
    `n,${actsAs},${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${values.join("")}${SEPARATOR}`,
  );
}

/** Decodes the message of a client. @throws {SaslMessageError} If it is malformed. */
export function parseOAuthBearer(message: Uint8Array): OAuthBearerMessage {
  const [header, ...pairs] = textOf(message).split(SEPARATOR);
  const gs2 = GS2.exec(header!);
  // Each pair ends with a separator, and so does the message.
  if (gs2 === null || pairs.pop() !== "" || pairs.pop() !== "") throw malformed();
  const extensions = new Map<string, string>();
  let token: string | undefined;
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (equals < 0 || extensions.has(name) || (name === "auth" && token !== undefined)) {
      throw malformed();
    }
    if (name === "auth") {
      token = TOKEN.exec(value)?.[1];
      if (token === undefined) {
        throw new SaslMessageError("Invalid OAUTHBEARER client first message: no bearer token");
      }
    } else {
      checkExtension(name, value, SaslMessageError);
      extensions.set(name, value);
    }
  }
  if (token === undefined) {
    throw new SaslMessageError("Invalid OAUTHBEARER client first message: 'auth' not specified");
  }
  return { authzid: unescapeName(gs2[1] ?? ""), token, extensions };
}

function malformed(): SaslMessageError {
  return new SaslMessageError("Invalid OAUTHBEARER client first message");
}

function checkExtension(
  name: string,
  value: string,
  ErrorClass: new (message: string) => Error,
): void {
  if (EXTENSION_NAME.test(name) && EXTENSION_VALUE.test(value) && name !== "auth") return;
  throw new ErrorClass("An extension of OAUTHBEARER has a name or value that is not allowed");
}

/** What the server answers to a bad token. */
export function formatOAuthBearerRefusal(status: string): Uint8Array {
  return bytesOf(JSON.stringify({ status }));
}

/** Starts an exchange of a client. */
export function oauthBearerClient(
  token: string,
  extensions: Readonly<Record<string, string>> = {},
): SaslClient {
  return {
    mechanism: OAUTHBEARER,
    isComplete: true,
    start: () =>
      formatOAuthBearer({ authzid: "", token, extensions: new Map(Object.entries(extensions)) }),
    // The reason comes with the error that answers this.
    respond: (challenge) =>
      Promise.resolve(challenge.length === 0 ? undefined : OAUTHBEARER_ACKNOWLEDGEMENT),
  };
}
