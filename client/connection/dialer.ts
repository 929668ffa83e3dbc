/**
 * How a client reaches a broker: over TCP, or inside this process.
 *
 * This is the only place of the SDK that opens sockets.
 *
 * @module
 */

import { type FrameChannel, StreamChannel } from "../../protocol/frames/channel.ts";
import { type BrokerAddress, formatAddress } from "./address.ts";
import { ConnectionError, describeError } from "../errors.ts";

/** Opens a channel to a broker. */
export interface Dialer {
  /** @throws {ConnectionError} If there is no way to the broker, or `signal` is aborted. */
  dial(address: BrokerAddress, signal: AbortSignal): Promise<FrameChannel>;
}

/**
 * The largest response to accept. A listener that speaks something else is told from a broker by this:
 * the first bytes of an HTTP answer or of a TLS alert, taken as a size, are above it.
 */
const MAX_RESPONSE_SIZE = 256 * 1024 * 1024;

/** Reaches brokers over TCP. */
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
 * A broker inside this process, as `Broker.start({ storage: "memory" })` returns one. It stands for any
 * object that hands out channels, so that the SDK does not depend on the broker.
 */
export interface EmbeddedBroker {
  /**
   * Opens a connection inside this process.
   *
   * @param address The `host:port` to reach, by which an embedded cluster tells its brokers apart.
   */
  connect(address: string): EmbeddedChannel;
}

/** A connection to an embedded broker, which only the SDK and the broker look into. */
export interface EmbeddedChannel {
  /** Who is at the other end. */
  readonly peer: string;
  /** Closes the connection at once. */
  abort(): void;
}

/** The address by which an embedded broker is reached first. */
export const EMBEDDED_ADDRESS: BrokerAddress = { host: "embedded", port: 9092 };

/** Reaches a broker, or a cluster of them, inside this process. */
export function embeddedDialer(broker: EmbeddedBroker): Dialer {
  return {
    // deno-lint-ignore require-await
    async dial(address, signal) {
      const peer = formatAddress(address);
      try {
        signal.throwIfAborted();
        return broker.connect(peer) as FrameChannel;
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
