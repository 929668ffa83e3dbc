/**
 * Loads what authenticates clients, if a listener has SASL: most brokers of developers do not need it.
 *
 * @module
 */

import type { BrokerContext } from "../../handler.ts";
import type { HandlerTable } from "../../handlers/mod.ts";
import type { Listeners } from "../../settings/listeners.ts";
import type { SaslGate } from "./sasl_gate.ts";

/** By constants, so that they are not even read at start. */
const AUTHENTICATOR = "../../security/sasl/sasl_authenticator.ts";
const GATE = "./sasl_gate.ts";
const TOKENS = "../../security/tokens/mod.ts";

/**
 * Opens the entrance of the listeners that have SASL; undefined if none has.
 *
 * @throws {ConfigError} If one of them has no mechanism that can be served.
 */
export async function openSaslGate(
  broker: BrokerContext,
  handlers: HandlerTable,
  { all }: Listeners,
): Promise<SaslGate | undefined> {
  const listeners = all.filter(({ protocol }) => protocol.startsWith("SASL_"));
  if (listeners.length === 0) return undefined;
  const { SaslAuthenticator }: typeof import("../../security/sasl/sasl_authenticator.ts") =
    await import(AUTHENTICATOR);
  const { SaslGate }: typeof import("./sasl_gate.ts") = await import(GATE);
  const { config, cluster, clock, logger, counters } = broker;
  const authenticator = await SaslAuthenticator.open({
    listeners: [...new Set(listeners.map(({ name }) => name))],
    config,
    records: cluster.security,
    clock,
    logger,
    onOldNonce: () => counters.authentications.oldNonces++,
  });
  if (config.get("delegation.token.secret.key") === null) {
    return new SaslGate(broker, handlers, authenticator);
  }
  const { delegationTokensOf, TokenSweep }: typeof import("../../security/tokens/mod.ts") =
    await import(TOKENS);
  const tokens = delegationTokensOf(broker);
  authenticator.tokens = tokens;
  const sweep = new TokenSweep({ tokens, cluster, config, clock, logger });
  return new SaslGate(broker, handlers, authenticator, () => sweep.close());
}
