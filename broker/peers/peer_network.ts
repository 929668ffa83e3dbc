/**
 * Connections between brokers.
 *
 * @module
 */

import { type FrameChannel, StreamChannel } from "../../protocol/frames/channel.ts";
import { formatHostPort, type HostPort } from "../settings/listener.ts";

/** Opens connections to brokers. */
export interface PeerNetwork {
  /**
   * Connects to a broker.
   *
   * @throws {Error} If the broker cannot be reached, or `signal` is aborted.
   */
  connect(address: HostPort, signal: AbortSignal): Promise<FrameChannel>;
  /**
   * When a connection of this network must be replaced, because the other end wants another login; by
   * the monotonic clock. Default: never.
   */
  endMs?(channel: FrameChannel): number;
}

/** Another broker cannot be used: it refuses the login, or is not what it should be. */
export class PeerRefusalError extends Error {
  override name = "PeerRefusalError";
}

/** Maximum size of a response of a broker. */
export const MAX_FRAME_BYTES = 100 * 1024 * 1024;

/** Connects over TCP. */
export const tcpNetwork: PeerNetwork = {
  async connect(address, signal) {
    const conn = await connectTcp(address, signal);
    return new StreamChannel(conn, formatHostPort(address), { maxFrameSize: MAX_FRAME_BYTES });
  },
};

/** Connects to a broker without anything on top. */
export async function connectTcp(
  { host, port }: HostPort,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const conn = await Deno.connect({ hostname: host, port, signal });
  try {
    signal.throwIfAborted();
    conn.setNoDelay(true);
  } catch (error) {
    conn.close();
    throw error;
  }
  return conn;
}
