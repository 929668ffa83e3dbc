/**
 * Brokers that tests reach without a network, and whose responses the test controls.
 *
 * @module
 */

import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  writeResponseHeader,
} from "../../protocol/frames/headers.ts";
import { envelope, type EnvelopeResponse } from "../../protocol/messages/cluster/envelope.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import { codec } from "../../protocol/schema/codec.ts";
import type { RequestOf } from "../../protocol/schema/schema.ts";
import type { PeerNetwork } from "./peer_network.ts";

/** A request that another broker has received. */
export interface ReceivedEnvelope {
  readonly request: RequestOf<typeof envelope>;
  respond(response: EnvelopeResponse): void;
  /** Ends the connection. */
  cut(): void;
}

/** A network on which every address is a broker that hands envelopes to the test. */
export class TestNetwork implements PeerNetwork {
  readonly #receive: (received: ReceivedEnvelope) => void;
  /** Number of connections made. */
  connectionCount = 0;
  /** Whether connections are refused. */
  isDown = false;
  /** When connections must be replaced, by the monotonic clock. */
  lastMs = Infinity;

  constructor(receive: (received: ReceivedEnvelope) => void) {
    this.#receive = receive;
  }

  connect(): Promise<FrameChannel> {
    if (this.isDown) return Promise.reject(new Deno.errors.ConnectionRefused("Down"));
    this.connectionCount++;
    const [ours, theirs] = memoryChannels();
    this.#serve(theirs);
    return Promise.resolve(ours);
  }

  endMs(): number {
    return this.lastMs;
  }

  async #serve(channel: FrameChannel): Promise<void> {
    for (let frame = await channel.next(); frame !== null; frame = await channel.next()) {
      const reader = new Reader(frame);
      const { correlationId } = readRequestHeader(reader);
      readRequestHeaderTags(reader, envelope, 0);
      this.#receive({
        request: codec(envelope.request, 0).decode(reader) as RequestOf<typeof envelope>,
        respond: (response) => {
          const { out } = channel;
          out.beginFrame();
          writeResponseHeader(out, envelope, 0, correlationId);
          codec(envelope.response, 0).encode(out, response);
          out.endFrame();
          channel.flush();
        },
        cut: () => channel.abort(),
      });
    }
  }
}
