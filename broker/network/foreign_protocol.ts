/**
 * Clients of other protocols on a Kafka port. Their first four bytes, taken for the size of a frame, are
 * far above any limit, so they are recognized where they would be refused anyway.
 *
 * @module
 */

import type { FrameSizeError } from "../../protocol/frames/framing.ts";

/** A protocol that is not Kafka's. */
export interface ForeignProtocol {
  /** What it is called, and what the client should do instead; for the log. */
  readonly name: string;
  readonly hint: string;
  /** What the client is told in its own protocol, if it understands any answer. */
  readonly answer?: Uint8Array;
}

/** The first four bytes of requests: HTTP/1 by method, and HTTP/2 by its preface. */
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
/** A TLS record of type handshake, version 3.x, as every ClientHello begins. */
const TLS_START = 0x1603;

const HTTP_TEXT =
  "This port speaks Apache Kafka's protocol, not HTTP. Use a Kafka client, such as " +
  '"dqueue topic list --brokers HOST:PORT".\n';

const HTTP: ForeignProtocol = {
  name: "HTTP",
  hint: "this port speaks Kafka's protocol; use a Kafka client, and TCP checks of health",
  answer: new TextEncoder().encode(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${HTTP_TEXT.length}\r\nConnection: close\r\n\r\n${HTTP_TEXT}`,
  ),
};
const TLS: ForeignProtocol = {
  name: "TLS",
  hint: "this listener is not encrypted; set security.protocol=PLAINTEXT in the client",
};

/** The protocol that a frame's impossible size is the beginning of, if it is one of those known. */
export function foreignProtocolOf({ size }: FrameSizeError): ForeignProtocol | undefined {
  if (size >>> 16 === TLS_START) return TLS;
  const bytes = [size >>> 24, size >>> 16 & 0xff, size >>> 8 & 0xff, size & 0xff];
  return HTTP_STARTS.has(String.fromCharCode(...bytes)) ? HTTP : undefined;
}

/** What each broker has met, so that it tells of each once: checks of health come for ever. */
const met = new WeakMap<object, Set<ForeignProtocol>>();

/** Whether a broker meets a protocol for the first time. */
export function isFirstMeeting(broker: object, protocol: ForeignProtocol): boolean {
  const known = met.get(broker) ?? new Set();
  met.set(broker, known);
  if (known.has(protocol)) return false;
  known.add(protocol);
  return true;
}
