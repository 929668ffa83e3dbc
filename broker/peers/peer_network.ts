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
}

/** Maximum size of a response of a broker. */
const MAX_FRAME_BYTES = 100 * 1024 * 1024;

/** Connects over TCP. */
export const tcpNetwork: PeerNetwork = {
  async connect({ host, port }, signal) {
    signal.throwIfAborted();
    const conn = await Deno.connect({ hostname: host, port, signal });
    try {
      signal.throwIfAborted();
      conn.setNoDelay(true);
    } catch (error) {
      conn.close();
      throw error;
    }
    const peer = formatHostPort({ host, port });
    return new StreamChannel(conn, peer, { maxFrameSize: MAX_FRAME_BYTES });
  },
};
