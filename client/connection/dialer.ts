/**
 * How a client connects to a broker: over TCP, with or without TLS, or inside this process.
 *
 * @module
 */

import {
  type ByteDuplex,
  type FrameChannel,
  StreamChannel,
} from "../../protocol/frames/channel.ts";
import { type BrokerAddress, formatAddress } from "./address.ts";
import {
  AuthenticationError,
  CertificateError,
  ConnectionError,
  describeError,
  DqueueError,
} from "../errors.ts";
import type { Source, TlsOptions } from "../security/security_options.ts";
import { tlsFailure } from "../security/tls_failure.ts";
import { abortable } from "./waiting.ts";

/** What a broker had answered when it closed a connection. */
export type Progress = "nothing" | "versions";

/** Opens a channel to a broker. */
export interface Dialer {
  /**
   * Connects.
   *
   * @throws {ConnectionError} If the broker cannot be reached, or `signal` is aborted.
   * @throws {CertificateError} If a certificate is not accepted.
   */
  dial(address: BrokerAddress, signal: AbortSignal): Promise<FrameChannel>;
  /** The function of the program that has not returned yet, by the name of its option. */
  readonly pending?: string | undefined;
  /**
   * Finds out why a broker closed a connection without an answer; undefined if it does not expect
   * anything else.
   */
  explainClose?(
    address: BrokerAddress,
    after: Progress,
    signal: AbortSignal,
  ): Promise<DqueueError | undefined>;
}

/**
 * The largest response to accept. Peers of another protocol are detected by it: the first bytes of
 * an HTTP response or a TLS alert, read as a size, exceed it.
 */
const MAX_RESPONSE_SIZE = 256 * 1024 * 1024;
/** The largest first response, which has a line for each API. */
const MAX_FIRST_RESPONSE_SIZE = 1024 * 1024;

/**
 * Connects to brokers over TCP.
 *
 * @param tls How to encrypt connections; undefined for plaintext.
 */
export function networkDialer(tls?: Source<TlsOptions>): Dialer {
  return tls === undefined ? plaintextDialer : tlsDialer(tls);
}

const plaintextDialer: Dialer = {
  async dial(address, signal) {
    return channelOver(await connectTcp(address, signal), formatAddress(address));
  },
  async explainClose(address, after, signal) {
    const { speaksTls } = await import("./port_kind.ts");
    if (after === "versions") return await explainDemand(this, address, signal);
    if (!await speaksTls(await connectTcp(address, signal), address.host)) return undefined;
    return new ConnectionError(
      `Cannot connect to ${formatAddress(address)}: that port speaks TLS`,
      {
        retriable: false,
        advice: "Use tls, or connect to a plaintext port",
      },
    );
  },
};

function tlsDialer(tls: Source<TlsOptions>): Dialer {
  return {
    get pending() {
      return tls.pending;
    },
    async dial(address, signal) {
      const peer = formatAddress(address);
      const { connectTls } = await import("../security/tls_connection.ts");
      const options = await abortable(tls.get(), signal);
      try {
        return channelOver(
          await connectTls(address, options, () => connectTcp(address, signal), signal),
          peer,
        );
      } catch (error) {
        if (error instanceof DqueueError) throw error;
        signal.throwIfAborted();
        throw tlsFailure(peer, error, options.cert !== undefined) ??
          await explainHandshake(address, error, signal);
      }
    },
    async explainClose(address, after, signal) {
      if (after === "versions") return await explainDemand(this, address, signal);
      if ((await abortable(tls.get(), signal)).cert === undefined) return undefined;
      // Deno 2.6 takes such a connection for one with TLS until it ends.
      const plaintext = await explainPlaintext(address, signal);
      if (plaintext !== undefined) return plaintext;
      const { isClosedAgain } = await import("./port_kind.ts");
      if (!await isClosedAgain(await this.dial(address, signal))) return undefined;
      return new CertificateError(
        `Cannot connect to ${
          formatAddress(address)
        }: it closes the connection after it has got the ` +
          "client's certificate",
        { advice: "Check tls.cert and tls.key, and the authorities that the broker trusts" },
      );
    },
  };
}

/** A handshake that ends without a reason may be one with a port that does not speak TLS. */
async function explainHandshake(
  address: BrokerAddress,
  error: unknown,
  signal: AbortSignal,
): Promise<DqueueError> {
  const isReached = !(error instanceof Deno.errors.NotCapable) && !isRefused(error);
  const explained = isReached ? await explainPlaintext(address, signal) : undefined;
  return explained ?? dialError(formatAddress(address), error);
}

async function explainPlaintext(
  address: BrokerAddress,
  signal: AbortSignal,
): Promise<ConnectionError | undefined> {
  const peer = formatAddress(address);
  const { speaksPlaintext } = await import("./port_kind.ts");
  if (!await speaksPlaintext(await connectTcp(address, signal), peer)) return undefined;
  return new ConnectionError(`Cannot connect to ${peer}: that port speaks plaintext, not TLS`, {
    retriable: false,
    advice: "Connect to a port with TLS, or leave out tls",
  });
}

/** Whether nothing listens at an address. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
}

/** A port that closes after the first request may demand SASL. */
async function explainDemand(
  dialer: Dialer,
  address: BrokerAddress,
  signal: AbortSignal,
): Promise<DqueueError | undefined> {
  const { demandedMechanisms } = await import("./port_kind.ts");
  const mechanisms = await demandedMechanisms(await dialer.dial(address, signal));
  if (mechanisms === undefined) return undefined;
  return new AuthenticationError(
    "ILLEGAL_SASL_STATE",
    `Cannot use ${
      formatAddress(address)
    }: that port demands SASL, and the client has no credentials`,
    {
      advice: `Authenticate with sasl.username and sasl.mechanism, one of ${mechanisms.join(", ")}`,
      mechanisms,
    },
  );
}

/** @throws {ConnectionError} If the broker cannot be reached, or `signal` is aborted. */
async function connectTcp(address: BrokerAddress, signal: AbortSignal): Promise<Deno.TcpConn> {
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
  return conn;
}

function channelOver(duplex: ByteDuplex, peer: string): StreamChannel {
  return new StreamChannel(duplex, peer, {
    maxFrameSize: MAX_RESPONSE_SIZE,
    maxFirstFrameSize: MAX_FIRST_RESPONSE_SIZE,
  });
}

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
        if (error instanceof ConnectionError && !error.retriable) throw error;
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
