/**
 * The server's side of OAUTHBEARER (KIP-255, KIP-768).
 *
 * A bad token is answered without an error first, as RFC 7628 has it; the error follows the client's
 * acknowledgement.
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
const ACKNOWLEDGEMENT = 1;
/** Longest message in bytes. */
const MAX_MESSAGE_BYTES = 128 * 1024;

/** Starts an exchange. */
export function oauthBearerServer(validate: ValidateToken): SaslServer {
  return new OAuthBearerServer(validate);
}

class OAuthBearerServer implements SaslServer {
  readonly mechanism = OAUTHBEARER;
  readonly #validate: ValidateToken;
  #refusal: SaslFailure | undefined;

  constructor(validate: ValidateToken) {
    this.#validate = validate;
  }

  async evaluate(bytes: Uint8Array): Promise<SaslStep> {
    if (this.#refusal !== undefined) {
      return bytes.length === 1 && bytes[0] === ACKNOWLEDGEMENT
        ? this.#refusal
        : failure("the client does not acknowledge that its token was refused");
    }
    if (bytes.length > MAX_MESSAGE_BYTES) return failure("the message is too long");
    let message: OAuthBearerMessage;
    try {
      message = parseOAuthBearer(bytes);
    } catch (error) {
      if (!(error instanceof SaslMessageError)) throw error;
      return failure(error.message);
    }
    return await this.#check(message);
  }

  async #check({ token, authzid }: OAuthBearerMessage): Promise<SaslStep> {
    let claims: TokenClaims;
    try {
      claims = await this.#validate(token);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      const status = formatOAuthBearerRefusal(INVALID_TOKEN);
      const message = `${new TextDecoder().decode(status)}: ${error.message}`;
      this.#refusal = { type: "failure", message, reason: error.message };
      return { type: "challenge", bytes: status };
    }
    const { subject, expiresAtMs } = claims;
    if (authzid !== "" && authzid !== subject) {
      return {
        type: "failure",
        message:
          `Authentication failed: Client requested an authorization id (${authzid}) that is ` +
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
}
