/**
 * Finds out what a port expects, after it has closed a connection without a word.
 *
 * A broker closes what it does not understand, so a client without TLS at a port with TLS, or without
 * credentials at a port that demands them, sees nothing but the end of its connection. These probes
 * tell such ports from a broker that has failed.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { type FrameChannel, StreamChannel } from "../../protocol/frames/channel.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { ConnectionError, describeError } from "../errors.ts";
import { BrokerConnection } from "./connection.ts";
import { Timer } from "./timer.ts";

/** The largest answer that a probe accepts. */
const MAX_ANSWER_SIZE = 1024 * 1024;
/** How long a probe may take. */
const PROBE_MS = 3000;
const OPTIONS = { clientId: "dqueue-probe", requestTimeoutMs: PROBE_MS };
/** No broker has a mechanism of this name, so it lists those it has. */
const NO_MECHANISM = "NONE";

/** Whether a port speaks TLS, with any certificate. */
export async function speaksTls(tcp: Deno.TcpConn, hostname: string): Promise<boolean> {
  let conn: Deno.TlsConn | undefined;
  const timer = new Timer(() => close(conn ?? tcp), PROBE_MS);
  try {
    conn = await Deno.startTls(tcp, { hostname });
    await conn.handshake();
    return true;
  } catch (error) {
    // A peer that sends a certificate or an alert speaks TLS.
    return /certificate|alert/i.test(describeError(error));
  } finally {
    timer.clear();
    close(conn ?? tcp);
  }
}

/** Whether a port answers Kafka's protocol without TLS. */
export async function speaksPlaintext(tcp: Deno.TcpConn, peer: string): Promise<boolean> {
  const channel = new StreamChannel(tcp, peer, { maxFrameSize: MAX_ANSWER_SIZE });
  try {
    const connection = await BrokerConnection.negotiate(channel, OPTIONS);
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

/** Whether a broker closes another connection without an answer, too. */
export async function isClosedAgain(channel: FrameChannel): Promise<boolean> {
  try {
    const connection = await BrokerConnection.negotiate(channel, OPTIONS);
    await connection.close();
    return false;
  } catch (error) {
    return error instanceof ConnectionError && error.retriable;
  }
}

/** The mechanisms of a port that demands SASL; undefined if it does not. */
export async function demandedMechanisms(
  channel: FrameChannel,
): Promise<readonly string[] | undefined> {
  try {
    const connection = await BrokerConnection.negotiate(channel, OPTIONS);
    try {
      const answer = await connection.request(saslHandshake, { mechanism: NO_MECHANISM });
      return answer.errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM
        ? answer.mechanisms
        : undefined;
    } finally {
      await connection.close();
    }
  } catch {
    return undefined;
  }
}

function close(conn: { close(): void }): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}
