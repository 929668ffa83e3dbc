/**
 * Opens connections of clients at other brokers: one connection to each broker carries all of them.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import type { Peer } from "../peers/peers.ts";
import type { Session } from "../security/session.ts";
import { Carrier, type CarrierOptions } from "./carrier.ts";

/** The connections that carry those of clients. */
export class Carriers {
  readonly #options: CarrierOptions;
  readonly #carriers: Map<number, Carrier> = new Map();
  /** All, with those that take no further clients. */
  readonly #open: Set<Carrier> = new Set();
  #isClosed = false;

  constructor(options: CarrierOptions) {
    this.#options = options;
  }

  /**
   * Opens a connection that acts for a client.
   *
   * @throws {CarryingRefusedError} If the broker does not let this one act for clients.
   * @throws {Error} If it cannot be reached.
   */
  async connect(peer: Peer, session: Session): Promise<FrameChannel> {
    const carrier = this.#carrierTo(peer);
    await carrier.opened;
    return carrier.open(session);
  }

  /** Ends all connections. */
  close(): void {
    this.#isClosed = true;
    for (const carrier of this.#open) carrier.abort();
  }

  #carrierTo(peer: Peer): Carrier {
    if (this.#isClosed) throw new Deno.errors.ConnectionAborted("The broker is stopping");
    const known = this.#carriers.get(peer.id);
    if (known?.takesClients(peer) === true) return known;
    const carrier: Carrier = new Carrier(peer, this.#options, () => {
      this.#open.delete(carrier);
      if (this.#carriers.get(peer.id) === carrier) this.#carriers.delete(peer.id);
    });
    this.#carriers.set(peer.id, carrier);
    this.#open.add(carrier);
    return carrier;
  }
}
