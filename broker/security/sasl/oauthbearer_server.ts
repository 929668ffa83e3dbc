/**
 * The server's side of OAUTHBEARER (KIP-255, KIP-768).
 *
 * A bad token is answered with an error at once. RFC 7628 and Kafka have an answer without an error
 * first, which kafkajs and @platformatic/kafka take for a success: they would then name another error.
 * All clients know the error as such.
 *
 * @module
 */

import {
  formatOAuthBearerRefusal,
  OAUTHBEARER,
  type OAuthBearerMessage,
  parseOAuthBearer,
} from "../../../protocol/sasl/oauthbearer.ts";
import { SaslMessageError } from "../../../protocol/sasl/sasl_error.ts";
import { USER_TYPE } from "../principal.ts";
import {
  failure,
  NOTHING,
  type SaslFailure,
  type SaslServer,
  type SaslStep,
} from "./sasl_server.ts";

/** Who a token is of. */
export interface TokenClaims {
  readonly subject: string;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** A token is not accepted; the message says why, as the end of a sentence. */
export class TokenError extends Error {
  override name = "TokenError";
}

/** Checks a token. @throws {TokenError} If it is not accepted. */
export type ValidateToken = (token: string) => Promise<TokenClaims>;

const INVALID_TOKEN = "invalid_token";
/** Longest message in bytes. */
const MAX_MESSAGE_BYTES = 128 * 1024;

/** Starts an exchange. */
export function oauthBearerServer(validate: ValidateToken): SaslServer {
  return { mechanism: OAUTHBEARER, evaluate: (message) => evaluate(message, validate) };
}

async function evaluate(bytes: Uint8Array, validate: ValidateToken): Promise<SaslStep> {
  if (bytes.length > MAX_MESSAGE_BYTES) return failure("the message is too long");
  let message: OAuthBearerMessage;
  try {
    message = parseOAuthBearer(bytes);
  } catch (error) {
    if (!(error instanceof SaslMessageError)) throw error;
    return failure(error.message);
  }
  const { token, authzid } = message;
  let claims: TokenClaims;
  try {
    claims = await validate(token);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return refusal(error.message);
  }
  const { subject, expiresAtMs } = claims;
  if (authzid !== "" && authzid !== subject) {
    return {
      type: "failure",
      message: `Authentication failed: Client requested an authorization id (${authzid}) that is ` +
        `different from the token's principal name (${subject})`,
      reason: "the authorization id is different from the subject of the token",
      user: subject,
    };
  }
  return {
    type: "success",
    bytes: NOTHING,
    login: { principal: { type: USER_TYPE, name: subject }, expiresAtMs },
  };
}

/** The text begins with what RFC 7628 has the mechanism itself say, as Kafka's does. */
function refusal(reason: string): SaslFailure {
  const bytes = formatOAuthBearerRefusal(INVALID_TOKEN);
  return {
    type: "failure",
    message: `${new TextDecoder().decode(bytes)}: ${reason}`,
    bytes,
    reason,
  };
}
