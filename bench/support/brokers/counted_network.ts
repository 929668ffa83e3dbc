/**
 * Connections between brokers whose bytes are counted.
 *
 * @module
 */

import type { PeerNetwork } from "../../../broker/peers/peer_network.ts";
import { StreamChannel } from "../../../protocol/frames/channel.ts";

const MAX_FRAME_BYTES = 100 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

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
    const readable = new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: CHUNK_BYTES,
      pull: async (controller) => {
        const { byobRequest } = controller;
        const view = byobRequest!.view as Uint8Array<ArrayBuffer>;
        const count = await conn.read(view).catch(() => null);
        if (count === null) controller.close();
        else this.bytes += count;
        byobRequest!.respond(count ?? 0);
      },
    });
    const writable = new WritableStream<Uint8Array>({
      write: async (chunk) => {
        this.bytes += chunk.length;
        for (let sent = 0; sent < chunk.length;) sent += await conn.write(chunk.subarray(sent));
      },
    });
    const close = () => {
      try {
        conn.close();
      } catch {
        // It is closed already.
      }
    };
    const duplex = { readable, writable, close };
    return new StreamChannel(duplex, `${host}:${port}`, { maxFrameSize: MAX_FRAME_BYTES });
  }
}
