/**
 * The mechanism PLAIN (RFC 4616): one message with user and password.
 *
 * @module
 */

import type { SaslClient } from "./sasl_client.ts";
import { bytesOf, SaslMessageError, textOf } from "./sasl_error.ts";

/** The name of the mechanism. */
export const PLAIN = "PLAIN";

/** The message of a client. */
export interface PlainMessage {
  /** Who the client wants to act as; empty for the user. */
  readonly authzid: string;
  /** Name of the user. */
  readonly user: string;
  /** The password, in clear. */
  readonly password: string;
}

const SEPARATOR = "\0";

/** Encodes the message of a client. @throws {TypeError} If a part contains NUL. */
export function formatPlain({ authzid, user, password }: PlainMessage): Uint8Array {
  if ([authzid, user, password].some((part) => part.includes(SEPARATOR))) {
    throw new TypeError("User and password of PLAIN must not contain NUL");
  }
  return bytesOf([authzid, user, password].join(SEPARATOR));
}

/** Decodes the message of a client. @throws {SaslMessageError} With the text that Kafka answers. */
export function parsePlain(message: Uint8Array): PlainMessage {
  const parts = textOf(message).split(SEPARATOR);
  if (parts.length !== 3) {
    throw new SaslMessageError(
      `Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`,
    );
  }
  const [authzid, user, password] = parts as [string, string, string];
  if (user === "") throw new SaslMessageError("Authentication failed: username not specified");
  if (password === "") throw new SaslMessageError("Authentication failed: password not specified");
  if (authzid !== "" && authzid !== user) {
    throw new SaslMessageError(
      "Authentication failed: Client requested an authorization id that is different from username",
    );
  }
  return { authzid, user, password };
}

/** Starts an exchange of a client. */
export function plainClient(user: string, password: string): SaslClient {
  return {
    mechanism: PLAIN,
    isComplete: true,
    start: () => formatPlain({ authzid: "", user, password }),
    respond: () => Promise.resolve(undefined),
  };
}
