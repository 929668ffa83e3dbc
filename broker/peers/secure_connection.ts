/**
 * Connections to other brokers over TLS, with a login, or both. Loaded only where the listener for other
 * brokers demands that.
 *
 * @module
 */

import { type ByteDuplex, StreamChannel } from "../../protocol/frames/channel.ts";
import { jaasClient } from "../../protocol/sasl/jaas_client.ts";
import { parseJaasConfig } from "../../protocol/sasl/jaas_config.ts";
import type { SaslClient } from "../../protocol/sasl/sasl_client.ts";
import type { ListenerConfig } from "../settings/config.ts";
import {
  formatHostPort,
  hasSasl,
  hasTls,
  type HostPort,
  type SecurityProtocol,
} from "../settings/listener.ts";
import type { OpenedConnection } from "./listener_network.ts";
import { logIn } from "./peer_login.ts";
import { connectTcp, MAX_FRAME_BYTES, PeerRefusalError } from "./peer_network.ts";

/** What a connection to another broker needs. */
export interface SecureConnectionOptions {
  readonly nodeId: number;
  /** The protocol of the listener for other brokers. */
  readonly protocol: SecurityProtocol;
  /** The settings of that listener. */
  readonly config: Pick<ListenerConfig, "get">;
  /** Connects over TLS. */
  readonly connectTls: (address: HostPort, signal: AbortSignal) => Promise<ByteDuplex>;
}

/**
 * Connects to another broker.
 *
 * @throws {PeerRefusalError} If it refuses this broker, or is not the one that it should be.
 */
export async function openSecureConnection(
  { nodeId, protocol, config, connectTls }: SecureConnectionOptions,
  address: HostPort,
  signal: AbortSignal,
): Promise<OpenedConnection> {
  const duplex = await (hasTls(protocol) ? connectTls : connectTcp)(address, signal);
  const channel = new StreamChannel(duplex, formatHostPort(address), {
    maxFrameSize: MAX_FRAME_BYTES,
  });
  if (!hasSasl(protocol)) return { channel, lifetimeMs: 0 };
  const stop = () => channel.abort();
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    const lifetimeMs = await logIn(channel, saslClient(config), `broker-${nodeId}`);
    return { channel, lifetimeMs };
  } catch (error) {
    channel.abort();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * An exchange with the user and password for other brokers.
 *
 * @throws {JaasConfigError} If the login module does not have them.
 */
export function saslClient(config: Pick<ListenerConfig, "get">): SaslClient {
  const mechanism = config.get("sasl.mechanism.inter.broker.protocol");
  const jaas = config.get("sasl.jaas.config", mechanism);
  if (jaas === null) throw new PeerRefusalError("sasl.jaas.config is not set");
  return jaasClient(parseJaasConfig(jaas.reveal()), mechanism);
}
