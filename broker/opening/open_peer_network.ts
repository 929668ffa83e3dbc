/**
 * How a broker reaches the others of its cluster.
 *
 * @module
 */

import { OAUTHBEARER } from "../../protocol/sasl/oauthbearer.ts";
import { type Logger, silentLogger } from "../logger.ts";
import type { CredentialFilesOptions } from "../network/tls/credential_files.ts";
import { ListenerNetwork } from "../peers/listener_network.ts";
import type { StartLogin } from "../peers/peer_credentials.ts";
import { type PeerNetwork, tcpNetwork } from "../peers/peer_network.ts";
import { type BrokerConfig, ConfigError, type ListenerConfig } from "../settings/config.ts";
import { INTER_BROKER_MECHANISMS } from "../settings/inter_broker_settings.ts";
import { hasSasl, hasTls, type HostPort } from "../settings/listener.ts";
import type { Listeners } from "../settings/listeners.ts";
import type { Clock } from "../time/clock.ts";

/** Loaded only where they are used. */
const PEER_CREDENTIALS = "../peers/peer_credentials.ts";
const SECURE_CONNECTION = "../peers/secure_connection.ts";
const TLS = "../network/tls/mod.ts";

const NO_TLS = {
  connectTls: () => Promise.reject(new Error("There are no other brokers by TLS")),
  onRefused: () => Promise.resolve(),
};

/** Options of {@linkcode openPeerNetwork}. */
export interface OpenPeerNetworkOptions {
  readonly nodeId: number;
  readonly listeners: Listeners;
  readonly config: BrokerConfig;
  /** Whether there are other brokers. */
  readonly hasPeers: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens connections to other brokers as the listener for them demands.
 *
 * @throws {ConfigError} If settings for TLS or a login are missing.
 */
export async function openPeerNetwork(
  { nodeId, listeners: { interBroker }, config, hasPeers, clock, logger }: OpenPeerNetworkOptions,
): Promise<PeerNetwork> {
  const { name, protocol } = interBroker;
  if (protocol === "PLAINTEXT") {
    const open = async (address: HostPort, signal: AbortSignal) => ({
      channel: await tcpNetwork.connect(address, signal),
      lifetimeMs: 0,
    });
    return new ListenerNetwork({ name, open, clock, logger });
  }
  const { openSecureConnection }: typeof import("../peers/secure_connection.ts") = await import(
    SECURE_CONNECTION
  );
  const ofListener = config.ofListener(name);
  const startLogin = hasPeers && hasSasl(protocol)
    ? await openLogin(name, ofListener, clock)
    : undefined;
  const tls = hasPeers && hasTls(protocol)
    ? await tlsConnections({ config: ofListener, listener: name, clock })
    : NO_TLS;
  const options = {
    nodeId,
    protocol,
    ...tls,
    ...(startLogin === undefined ? {} : { startLogin }),
  };
  const open = openSecureConnection.bind(undefined, options);
  return new ListenerNetwork({ name, open, clock, logger });
}

/** Loads keys and authorities; the listener itself logs when they change or expire. */
async function tlsConnections(options: Omit<CredentialFilesOptions, "logger">) {
  const { TlsConnector }: typeof import("../network/tls/mod.ts") = await import(TLS);
  const connector = await TlsConnector.open({ ...options, logger: silentLogger });
  return {
    connectTls: (address: HostPort, signal: AbortSignal) => connector.connect(address, signal),
    onRefused: () => connector.check(),
  };
}

/** @throws {ConfigError} If it cannot log in by what the settings say. */
async function openLogin(name: string, config: ListenerConfig, clock: Clock): Promise<StartLogin> {
  const mechanism = config.get("sasl.mechanism.inter.broker.protocol");
  const problem = (text: string) =>
    new ConfigError(`Cannot log in to other brokers by listener ${name}: ${text}`);
  if (!INTER_BROKER_MECHANISMS.includes(mechanism)) {
    throw problem(
      `set sasl.mechanism.inter.broker.protocol to one of ${INTER_BROKER_MECHANISMS.join(", ")}`,
    );
  }
  if (mechanism !== OAUTHBEARER && config.get("sasl.jaas.config", mechanism) === null) {
    throw problem(
      `set listener.name.${name.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config to a login ` +
        "module with username and password",
    );
  }
  const { PeerCredentialsError, peerCredentials }: typeof import("../peers/peer_credentials.ts") =
    await import(PEER_CREDENTIALS);
  try {
    return peerCredentials(config, clock);
  } catch (error) {
    if (error instanceof PeerCredentialsError) throw problem(error.message);
    throw error;
  }
}
