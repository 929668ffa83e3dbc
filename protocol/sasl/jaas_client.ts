/**
 * The client's side of an exchange with what `sasl.jaas.config` says.
 *
 * @module
 */

import { type JaasConfig, jaasProblem } from "./jaas_config.ts";
import { OAUTHBEARER } from "./oauthbearer.ts";
import { PLAIN, plainClient } from "./plain.ts";
import { isScramMechanism } from "./scram.ts";
import { scramClient } from "./scram_client.ts";
import type { SaslClient } from "./sasl_client.ts";

/** Whether a login module is one for a mechanism of SASL. */
export function isForMechanism({ mechanism }: JaasConfig, name: string): boolean {
  return mechanism === "SCRAM" ? isScramMechanism(name) : mechanism === name;
}

/**
 * Starts an exchange of a client with the user and password of a login module.
 *
 * @param mechanism The mechanism of SASL.
 * @throws {JaasConfigError} If the module is for another mechanism, has no user or no password, or has
 *   none by its nature.
 */
export function jaasClient(config: JaasConfig, mechanism: string): SaslClient {
  const { options } = config;
  if (!isForMechanism(config, mechanism)) {
    throw jaasProblem(`its login module is one of ${config.mechanism}, not of ${mechanism}`);
  }
  if (mechanism === OAUTHBEARER) throw jaasProblem(`${OAUTHBEARER} has no user and password`);
  const user = options.get("username");
  const password = options.get("password");
  if (user === undefined) throw jaasProblem('it has no option username="…"');
  if (password === undefined) throw jaasProblem('it has no option password="…"');
  if (mechanism === PLAIN) return plainClient(user, password);
  const isToken = options.get("tokenauth")?.toLowerCase() === "true";
  // `isForMechanism()` has found it to be one.
  return scramClient({ mechanism: mechanism as "SCRAM-SHA-256", user, password, isToken });
}
