/**
 * What a broker logs in to others with: a user and a password, or tokens.
 *
 * @module
 */

import { jaasClient } from "../../protocol/sasl/jaas_client.ts";
import {
  type JaasConfig,
  JaasConfigError,
  parseJaasConfig,
} from "../../protocol/sasl/jaas_config.ts";
import { OAUTHBEARER, oauthBearerClient } from "../../protocol/sasl/oauthbearer.ts";
import type { SaslClient } from "../../protocol/sasl/sasl_client.ts";
import type { ListenerConfig } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";
import { LoginTokens } from "./login_tokens.ts";
import { tokenSource, TokenSourceError } from "./token_source.ts";

/** Starts a login for each connection. */
export type StartLogin = (signal: AbortSignal) => Promise<SaslClient>;

/** What the settings say cannot be used; the message says what to change. */
export class PeerCredentialsError extends Error {
  override name = "PeerCredentialsError";
}

/** Options of a login module that are sent along with a token (KIP-342). */
const EXTENSION_PREFIX = "extension_";

/**
 * The credentials for other brokers.
 *
 * @param config The settings of the listener for them.
 * @throws {PeerCredentialsError} If the settings do not have them.
 */
export function peerCredentials(config: Pick<ListenerConfig, "get">, clock: Clock): StartLogin {
  try {
    return credentialsOf(config, clock);
  } catch (error) {
    const isKnown = error instanceof JaasConfigError || error instanceof TokenSourceError ||
      error instanceof TypeError;
    throw isKnown ? new PeerCredentialsError(error.message, { cause: error }) : error;
  }
}

function credentialsOf(config: Pick<ListenerConfig, "get">, clock: Clock): StartLogin {
  const mechanism = config.get("sasl.mechanism.inter.broker.protocol");
  const text = config.get("sasl.jaas.config", mechanism)?.reveal();
  if (mechanism === OAUTHBEARER) return tokenLogin(config, clock, text);
  const jaas = parseJaasConfig(text ?? "");
  const start = () => jaasClient(jaas, mechanism);
  start();
  return () => Promise.resolve(start());
}

/** The login module of another mechanism may be one that clients use with the same listener. */
function tokenLogin(
  config: Pick<ListenerConfig, "get">,
  clock: Clock,
  text: string | undefined,
): StartLogin {
  const parsed = text === undefined ? undefined : parseJaasConfig(text);
  const jaas = parsed?.mechanism === OAUTHBEARER ? parsed : undefined;
  const extensions = extensionsOf(jaas);
  const get = <N extends Parameters<typeof config.get>[0]>(name: N) =>
    config.get(name, OAUTHBEARER);
  const tokens = new LoginTokens({
    source: tokenSource(config, jaas),
    refresh: () => ({
      factor: get("sasl.login.refresh.window.factor"),
      jitter: get("sasl.login.refresh.window.jitter"),
      minPeriodMs: get("sasl.login.refresh.min.period.seconds") * 1000,
      bufferMs: get("sasl.login.refresh.buffer.seconds") * 1000,
    }),
    backoffMs: get("sasl.login.retry.backoff.ms"),
    maxBackoffMs: get("sasl.login.retry.backoff.max.ms"),
    clock,
  });
  return async (signal) => oauthBearerClient(await tokens.get(signal), extensions);
}

function extensionsOf(jaas: JaasConfig | undefined): Record<string, string> {
  const extensions = [...jaas?.options ?? []]
    .filter(([name]) => name.startsWith(EXTENSION_PREFIX))
    .map(([name, value]) => [name.slice(EXTENSION_PREFIX.length), value] as const);
  return Object.fromEntries(extensions);
}
