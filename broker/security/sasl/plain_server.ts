/**
 * The server's side of PLAIN.
 *
 * @module
 */

import { parsePlain, PLAIN, type PlainMessage } from "../../../protocol/sasl/plain.ts";
import { SaslMessageError } from "../../../protocol/sasl/sasl_error.ts";
import { USER_TYPE } from "../principal.ts";
import type { PasswordChecker } from "./password_checker.ts";
import { NOTHING, type SaslServer, type SaslStep } from "./sasl_server.ts";

/** Longest message in bytes. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** For wrong passwords and unknown users. */
const WRONG = "Authentication failed: Invalid username or password";

/** Starts an exchange. */
export function plainServer(passwords: PasswordChecker): SaslServer {
  return { mechanism: PLAIN, evaluate: (message) => evaluate(message, passwords) };
}

async function evaluate(bytes: Uint8Array, passwords: PasswordChecker): Promise<SaslStep> {
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
  const isCurrent = await passwords.check(user, password);
  if (isCurrent === undefined) {
    return { type: "failure", message: WRONG, reason: "user or password is wrong", user };
  }
  return {
    type: "success",
    bytes: NOTHING,
    login: { principal: { type: USER_TYPE, name: user }, isCurrent },
  };
}
