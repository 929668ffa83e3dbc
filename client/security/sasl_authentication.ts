/**
 * Authentication with SASL: the exchange of SaslHandshake and SaslAuthenticate (KIP-43, KIP-152).
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../protocol/errors.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import {
  oauthBearerClient,
  plainClient,
  type SaslClient,
  scramClient,
} from "../../protocol/sasl/mod.ts";
import {
  AuthenticationError,
  describeError,
  type DqueueError,
  KafkaError,
  UnsupportedVersionError,
  UsageError,
} from "../errors.ts";
import type { AuthenticationExchange } from "./authenticator.ts";
import type { Credentials } from "./security_options.ts";
import { tokenExpiryMs } from "./token_expiry.ts";

/** More rounds than any mechanism has. */
const MAX_ROUNDS = 8;

/**
 * Authenticates a connection.
 *
 * @returns How long the session lasts, in milliseconds; `Infinity` for ever.
 * @throws {AuthenticationError} If the broker refuses, or does not prove that it knows the user.
 */
export async function authenticateSasl(
  exchange: AuthenticationExchange,
  credentials: Credentials,
): Promise<number> {
  const client = clientOf(credentials);
  await shakeHands(exchange, client.mechanism);
  const message = startOf(client);
  return await prove(exchange, client, message, credentials);
}

async function shakeHands(exchange: AuthenticationExchange, mechanism: string): Promise<void> {
  const { peer } = exchange;
  let answer: { readonly errorCode: number; readonly mechanisms: readonly string[] };
  try {
    // Version 0 is followed by tokens without headers (KIP-43), which brokers since 1.0 can do without.
    answer = await exchange.request(saslHandshake, { mechanism }, 1);
  } catch (error) {
    if (error instanceof UnsupportedVersionError) throw doesNotAuthenticate(peer, error);
    throw error;
  }
  const { errorCode, mechanisms } = answer;
  switch (errorCode) {
    case ErrorCode.NONE:
      return;
    case ErrorCode.UNSUPPORTED_SASL_MECHANISM:
      throw new AuthenticationError(
        "UNSUPPORTED_SASL_MECHANISM",
        `Cannot authenticate to ${peer}: it does not offer ${mechanism}, but ${listOf(mechanisms)}`,
        { advice: "Use one of these as sasl.mechanism", mechanisms },
      );
    case ErrorCode.ILLEGAL_SASL_STATE:
      throw doesNotAuthenticate(peer);
    default:
      throw new KafkaError(`authenticate to ${peer}`, errorCode);
  }
}

function listOf(mechanisms: readonly string[]): string {
  return mechanisms.length === 0 ? "none" : mechanisms.join(", ");
}

function doesNotAuthenticate(peer: string, cause?: unknown): AuthenticationError {
  return new AuthenticationError(
    "ILLEGAL_SASL_STATE",
    `Cannot authenticate to ${peer}: that port does not authenticate clients with SASL`,
    { advice: "Connect to a port with SASL, or leave out sasl", cause },
  );
}

async function prove(
  exchange: AuthenticationExchange,
  client: SaslClient,
  first: Uint8Array,
  credentials: Credentials,
): Promise<number> {
  let message = first;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const answer = await exchange.request(saslAuthenticate, { authBytes: message }, 0);
    if (answer.errorCode !== ErrorCode.NONE) {
      throw refused(exchange.peer, credentials, answer);
    }
    const next = await respond(exchange.peer, client, answer.authBytes);
    if (next === undefined) {
      if (client.isComplete) return answer.sessionLifetimeMs || Infinity;
      break;
    }
    message = next;
  }
  throw untrusted(exchange.peer, client, "it did not prove that it knows the user");
}

async function respond(
  peer: string,
  client: SaslClient,
  challenge: Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    return await client.respond(challenge);
  } catch (error) {
    throw untrusted(peer, client, describeError(error), error);
  }
}

/** The broker answered with an error. */
function refused(
  peer: string,
  credentials: Credentials,
  { errorCode, errorMessage }: { readonly errorCode: number; readonly errorMessage: string | null },
): DqueueError {
  if (
    errorCode !== ErrorCode.SASL_AUTHENTICATION_FAILED && errorCode !== ErrorCode.ILLEGAL_SASL_STATE
  ) {
    return new KafkaError(`authenticate to ${peer}`, errorCode, errorMessage);
  }
  const code = errorCode === ErrorCode.ILLEGAL_SASL_STATE
    ? "ILLEGAL_SASL_STATE"
    : "SASL_AUTHENTICATION_FAILED";
  const detail = errorMessage || errorInfo(errorCode).description;
  if (credentials.mechanism !== "OAUTHBEARER") {
    return new AuthenticationError(code, `Cannot authenticate to ${peer}: ${detail} (${code})`, {
      advice: "Check sasl.username and sasl.password, and that the user has a credential for " +
        credentials.mechanism,
    });
  }
  const expiry = tokenExpiryMs(credentials.token);
  return expiry !== undefined && expiry <= Date.now()
    ? new AuthenticationError(
      code,
      `Cannot authenticate to ${peer}: the token expired at ${new Date(expiry).toISOString()}: ` +
        `${detail} (${code})`,
      { advice: "Give a new token with sasl.token" },
    )
    : new AuthenticationError(code, `Cannot authenticate to ${peer}: ${detail} (${code})`, {
      advice: "Check that the token has not expired, and that it is for this broker",
    });
}

/** The broker's messages are not those of a broker that knows the user. */
function untrusted(
  peer: string,
  { mechanism }: SaslClient,
  reason: string,
  cause?: unknown,
): AuthenticationError {
  return new AuthenticationError(
    "SASL_AUTHENTICATION_FAILED",
    `Cannot authenticate to ${peer} with ${mechanism}: ${reason}`,
    { advice: "Check that the address is that of the broker, and not of something between", cause },
  );
}

function clientOf(credentials: Credentials): SaslClient {
  if (credentials.mechanism === "OAUTHBEARER") {
    return oauthBearerClient(credentials.token, credentials.extensions);
  }
  const { mechanism, username, password, isDelegationToken } = credentials;
  if (mechanism === "PLAIN") return plainClient(username, password);
  return scramClient({
    mechanism,
    user: username,
    password,
    ...(isDelegationToken === undefined ? {} : { isToken: isDelegationToken }),
  });
}

/** @throws {UsageError} If the credentials cannot be sent with this mechanism. */
function startOf(client: SaslClient): Uint8Array {
  try {
    return client.start();
  } catch (error) {
    throw new UsageError(`Cannot use sasl: ${describeError(error)}`);
  }
}
