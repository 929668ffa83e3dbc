/**
 * Connections to other brokers over TLS, with a login, or both. Loaded only where the listener for other
 * brokers demands that.
 *
 * @module
 */

import { type ByteDuplex, StreamChannel } from "../../protocol/frames/channel.ts";
import {
  formatHostPort,
  hasTls,
  type HostPort,
  type SecurityProtocol,
} from "../settings/listener.ts";
import type { OpenedConnection } from "./listener_network.ts";
import type { StartLogin } from "./peer_credentials.ts";
import { CLOSED, greet, logIn } from "./peer_login.ts";
import { connectTcp, MAX_FRAME_BYTES, PeerRefusalError } from "./peer_network.ts";

/** What a connection to another broker needs. */
export interface SecureConnectionOptions {
  readonly nodeId: number;
  /** The protocol of the listener for other brokers. */
  readonly protocol: SecurityProtocol;
  /** Connects over TLS. */
  readonly connectTls: (address: HostPort, signal: AbortSignal) => Promise<ByteDuplex>;
  /** Called when another broker has refused this one's certificate: there may be a new one. */
  readonly onRefused: () => Promise<void>;
  /** Starts a login, where the protocol has one. */
  readonly startLogin?: StartLogin;
}

/**
 * Connects to another broker.
 *
 * @throws {PeerRefusalError} If it refuses this broker, or is not the one that it should be.
 */
export async function openSecureConnection(
  { nodeId, protocol, connectTls, onRefused, startLogin }: SecureConnectionOptions,
  address: HostPort,
  signal: AbortSignal,
): Promise<OpenedConnection> {
  const login = await startLogin?.(signal);
  const duplex = await (hasTls(protocol) ? connectTls : connectTcp)(address, signal);
  const channel = new StreamChannel(duplex, formatHostPort(address), {
    maxFrameSize: MAX_FRAME_BYTES,
  });
  const stop = () => channel.abort();
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    const clientId = `broker-${nodeId}`;
    let lifetimeMs = 0;
    if (login === undefined) await greet(channel, clientId);
    else lifetimeMs = await logIn(channel, login, clientId);
    return { channel, lifetimeMs };
  } catch (error) {
    channel.abort();
    const refusal = hasTls(protocol) ? refusalOf(error) : undefined;
    if (refusal === undefined) throw error;
    await onRefused();
    throw refusal;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What ends a connection right after the handshake of TLS is mostly this broker's certificate. */
function refusalOf(error: unknown): PeerRefusalError | undefined {
  if (!(error instanceof Error)) return undefined;
  const isClosed = error instanceof PeerRefusalError && error.message === CLOSED;
  if (!isClosed && !/alert/i.test(error.message)) return undefined;
  const why = isClosed ? CLOSED : `it refuses TLS (${error.message})`;
  return new PeerRefusalError(
    `${why}; if its log says that this broker's certificate is not trusted, add the authority to its ` +
      "ssl.truststore.location, or replace the certificate",
    { cause: error },
  );
}
