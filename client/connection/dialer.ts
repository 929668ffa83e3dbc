/**
 * How a client connects to a broker: over TCP, or inside this process.
 *
 * Nothing else in the SDK opens sockets.
 *
 * @module
 */

import { type FrameChannel, StreamChannel } from "../../protocol/frames/channel.ts";
import { type BrokerAddress, formatAddress } from "./address.ts";
import { ConnectionError, describeError } from "../errors.ts";

/** Opens a channel to a broker. */
export interface Dialer {
  /** @throws {ConnectionError} If the broker cannot be reached, or `signal` is aborted. */
  dial(address: BrokerAddress, signal: AbortSignal): Promise<FrameChannel>;
}

/**
 * The largest response to accept. Peers of another protocol are detected by it: the first bytes of
 * an HTTP response or a TLS alert, read as a size, exceed it.
 */
const MAX_RESPONSE_SIZE = 256 * 1024 * 1024;

/** Connects to brokers over TCP. */
export const tcpDialer: Dialer = {
  async dial(address, signal) {
    const peer = formatAddress(address);
    let conn: Deno.TcpConn;
    try {
      signal.throwIfAborted();
      conn = await Deno.connect({ hostname: address.host, port: address.port, signal });
    } catch (error) {
      throw dialError(peer, error);
    }
    if (signal.aborted) {
      conn.close();
      throw dialError(peer, signal.reason);
    }
    conn.setNoDelay(true);
    return new StreamChannel(conn, peer, { maxFrameSize: MAX_RESPONSE_SIZE });
  },
};

/**
 * A broker inside this process, as returned by `Broker.start({ storage: "memory" })`. Any object
 * that opens channels will do, so the SDK does not depend on the broker.
 */
export interface EmbeddedBroker {
  /**
   * Opens a connection, as a rule inside this process.
   *
   * @param address The `host:port` to connect to; an embedded cluster distinguishes its brokers by
   * it.
   */
  connect(address: string): EmbeddedChannel | Promise<EmbeddedChannel>;
}

/** A connection to an embedded broker. Its content is internal to the SDK and the broker. */
export interface EmbeddedChannel {
  /** The address of the other end. */
  readonly peer: string;
  /** Closes the connection immediately. */
  abort(): void;
}

/** The bootstrap address of an embedded broker. */
export const EMBEDDED_ADDRESS: BrokerAddress = { host: "embedded", port: 9092 };

/** Connects to a broker or cluster inside this process. */
export function embeddedDialer(broker: EmbeddedBroker): Dialer {
  return {
    async dial(address, signal) {
      const peer = formatAddress(address);
      try {
        signal.throwIfAborted();
        const channel = await broker.connect(peer) as FrameChannel;
        if (signal.aborted) channel.abort();
        signal.throwIfAborted();
        return channel;
      } catch (error) {
        throw dialError(peer, error);
      }
    },
  };
}

function dialError(peer: string, error: unknown): ConnectionError {
  const cause = { cause: error };
  if (error instanceof Deno.errors.NotCapable) {
    const advice = `Run the program with --allow-net=${peer}`;
    return new ConnectionError(
      `Cannot connect to ${peer}: Deno does not allow it. ${advice}`,
      { ...cause, retriable: false, advice },
    );
  }
  return new ConnectionError(`Cannot connect to ${peer}: ${describeError(error)}`, cause);
}
