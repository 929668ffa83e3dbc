/**
 * Connections between brokers whose bytes are counted.
 *
 * @module
 */

import type { PeerNetwork } from "../../../broker/cluster/peer_network.ts";
import { type ByteDuplex, StreamChannel } from "../../../protocol/frames/channel.ts";

const MAX_FRAME_BYTES = 100 * 1024 * 1024;

/** TCP between brokers, with a count of what both ends send. */
export class CountedNetwork implements PeerNetwork {
  /** Bytes that were sent and received by those who opened connections. */
  bytes = 0;

  async connect(
    { host, port }: { readonly host: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<StreamChannel> {
    const conn = await Deno.connect({ hostname: host, port, signal });
    conn.setNoDelay(true);
    const duplex: ByteDuplex = {
      read: async (into) => {
        const count = await conn.read(into);
        this.bytes += count ?? 0;
        return count;
      },
      write: async (bytes) => {
        const count = await conn.write(bytes);
        this.bytes += count;
        return count;
      },
      close: () => conn.close(),
    };
    return new StreamChannel(duplex, `${host}:${port}`, { maxFrameSize: MAX_FRAME_BYTES });
  }
}
