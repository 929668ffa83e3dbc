/**
 * Detects clients of other protocols. Their first four bytes, read as a frame size, are far above
 * any limit, so they are recognized when the frame is rejected.
 *
 * @module
 */

import type { FrameSizeError } from "../../protocol/frames/framing.ts";

/** A protocol other than Kafka's. */
export interface ForeignProtocol {
  /** The protocol's name, and for the log what the client should do instead. */
  readonly name: string;
  readonly hint: string;
  /** The response in that protocol, if the client understands any. */
  readonly answer?: Uint8Array;
}

/** The first four bytes of HTTP/1 requests, by method, and of the HTTP/2 preface. */
const HTTP_STARTS: ReadonlySet<string> = new Set([
  "GET ",
  "HEAD",
  "POST",
  "PUT ",
  "DELE",
  "CONN",
  "OPTI",
  "TRAC",
  "PATC",
  "PRI ",
]);
/** Start of a TLS ClientHello: a handshake record of version 3.x. */
const TLS_START = 0x1603;

const HTTP_TEXT =
  "This port speaks Apache Kafka's protocol, not HTTP. Use a Kafka client, such as " +
  '"dqueue topic list --brokers HOST:PORT".\n';

const HTTP: ForeignProtocol = {
  name: "HTTP",
  hint: "this port speaks Kafka's protocol; use a Kafka client, and TCP health checks",
  answer: new TextEncoder().encode(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${HTTP_TEXT.length}\r\nConnection: close\r\n\r\n${HTTP_TEXT}`,
  ),
};
const TLS: ForeignProtocol = {
  name: "TLS",
  hint: "this listener is not encrypted; set security.protocol=PLAINTEXT in the client",
};

/** The protocol whose first bytes were read as this frame size, if it is a known one. */
export function foreignProtocolOf({ size }: FrameSizeError): ForeignProtocol | undefined {
  if (size >>> 16 === TLS_START) return TLS;
  const bytes = [size >>> 24, size >>> 16 & 0xff, size >>> 8 & 0xff, size & 0xff];
  return HTTP_STARTS.has(String.fromCharCode(...bytes)) ? HTTP : undefined;
}

/** Protocols already logged by each broker, since health checks repeat forever. */
const met = new WeakMap<object, Set<ForeignProtocol>>();

/** Whether this is the first time the broker meets the protocol. */
export function isFirstMeeting(broker: object, protocol: ForeignProtocol): boolean {
  const known = met.get(broker) ?? new Set();
  met.set(broker, known);
  if (known.has(protocol)) return false;
  known.add(protocol);
  return true;
}
