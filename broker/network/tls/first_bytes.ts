/**
 * Tells what a peer speaks from its first bytes, when it is not TLS.
 *
 * @module
 */

/** Record type of a handshake, with which TLS begins. */
const HANDSHAKE = 0x16;

const HTTP_TEXT =
  "This port speaks Apache Kafka's protocol over TLS, not HTTP. Use a Kafka client.\n";
const HTTP_ANSWER = new TextEncoder().encode(
  `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n` +
    `Content-Length: ${HTTP_TEXT.length}\r\nConnection: close\r\n\r\n${HTTP_TEXT}`,
);
const HTTP_START = /^(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /;

/** Whether a peer seems to speak TLS. */
export function isTls(bytes: Uint8Array): boolean {
  return bytes[0] === HANDSHAKE && (bytes.length < 2 || bytes[1] === 3);
}

/** Says what a peer seems to speak that does not speak TLS, and what its client should change. */
export function describeFirstBytes(bytes: Uint8Array): string {
  if (isHttp(bytes)) return "client speaks HTTP; use a Kafka client, and TCP health checks";
  return isKafka(bytes)
    ? "client speaks Kafka's protocol without TLS; set security.protocol=SSL or SASL_SSL in the client"
    : "client does not speak TLS";
}

/** An answer that the client may show to its user. */
export function answerOf(bytes: Uint8Array): Uint8Array | undefined {
  return isHttp(bytes) ? HTTP_ANSWER : undefined;
}

function isHttp(bytes: Uint8Array): boolean {
  return HTTP_START.test(new TextDecoder("latin1").decode(bytes.subarray(0, 8)));
}

/** A size below 16 MiB and a low API key, or only part of that. */
function isKafka(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && (bytes.length < 6 || bytes[4] === 0 && bytes[5]! < 128);
}
