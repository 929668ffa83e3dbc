/**
 * The server's side of PLAIN.
 *
 * @module
 */

import { parsePlain, PLAIN, type PlainMessage } from "../../../protocol/sasl/plain.ts";
import type { JaasConfig } from "../../../protocol/sasl/jaas_config.ts";
import { isEqualSecret, scramHmac } from "../../../protocol/sasl/scram.ts";
import { SaslMessageError } from "../../../protocol/sasl/sasl_error.ts";
import { USER_TYPE } from "../principal.ts";
import type { PasswordChecker } from "./password_checker.ts";
import { NOTHING, type SaslServer, type SaslStep } from "./sasl_server.ts";

/** Longest message in bytes. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** For wrong passwords and unknown users. */
const WRONG = "Authentication failed: Invalid username or password";

/** Prefix of the options of a login module that are users of its listener, as in Kafka. */
const USER_OPTION = "user_";

/** Passwords of users that a broker has in its settings. */
export type JaasUsers = ReadonlyMap<string, string>;

/** The users of a `sasl.jaas.config`, written as `user_alice="alice-secret"`. */
export function jaasUsers({ options }: JaasConfig): JaasUsers {
  return new Map(
    [...options].filter(([name]) => name.startsWith(USER_OPTION))
      .map(([name, password]) => [name.slice(USER_OPTION.length), password]),
  );
}

/**
 * Starts an exchange.
 *
 * @param users Users that the broker has in its settings.
 * @param network Where the client is, such as its address.
 */
export function plainServer(
  passwords: PasswordChecker,
  users?: JaasUsers,
  network?: string,
): SaslServer {
  return { mechanism: PLAIN, evaluate: (message) => evaluate(message, passwords, users, network) };
}

async function evaluate(
  bytes: Uint8Array,
  passwords: PasswordChecker,
  users: JaasUsers | undefined,
  network: string | undefined,
): Promise<SaslStep> {
  let message: PlainMessage;
  try {
    if (bytes.length > MAX_MESSAGE_BYTES) throw new SaslMessageError("The message is too long");
    message = parsePlain(bytes);
  } catch (error) {
    if (!(error instanceof SaslMessageError)) throw error;
    return { type: "failure", message: error.message, reason: error.message };
  } finally {
    // It is a part of the frame, which is not used any more.
    bytes.fill(0);
  }
  const { user, password } = message;
  const principal = { type: USER_TYPE, name: user };
  if (isSamePassword(password, users?.get(user))) {
    return { type: "success", bytes: NOTHING, login: { principal } };
  }
  // A wrong password of a user in the settings takes as long as that of any other.
  const isCurrent = await passwords.check(user, password, network);
  if (isCurrent === undefined) {
    return { type: "failure", message: WRONG, reason: "user or password is wrong", user };
  }
  return {
    type: "success",
    bytes: NOTHING,
    login: { principal, isCurrent },
  };
}

const PASSWORD_KEY = crypto.getRandomValues(new Uint8Array(32));

function isSamePassword(given: string, known: string | undefined): boolean {
  if (known === undefined) return false;
  const digest = (text: string) => scramHmac("SCRAM-SHA-256", PASSWORD_KEY, text);
  return isEqualSecret(digest(given), digest(known));
}
