/**
 * A connection for load: sends prepared frames and reads whole answers into one buffer, so that the
 * measuring program uses little processor time.
 *
 * Reads and writes go directly to the socket: streams would cost as much as the broker.
 *
 * @module
 */

import { codec } from "../../../protocol/schema/codec.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../../protocol/frames/headers.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";

const SIZE_BYTES = 4;
const SMALLEST_BUFFER = 64 * 1024;
const CORRELATION_ID = 1;

/** Encodes a request with its size. */
export function requestFrame<A extends Api>(
  api: A,
  apiVersion: number,
  request: RequestTo<A>,
): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  const header = { apiKey: api.key, apiVersion, correlationId: CORRELATION_ID, clientId: "bench" };
  writer.beginFrame();
  writeRequestHeader(writer, api, header);
  codec(api.request, apiVersion).encode(writer, request as never);
  writer.endFrame();
  return writer.takeBytes();
}

/** Decodes an answer. */
export function decodeResponse<A extends Api>(
  api: A,
  apiVersion: number,
  frame: Uint8Array,
): ResponseOf<A> {
  const reader = new Reader(frame);
  reader.int32();
  readResponseHeaderTags(reader, api, apiVersion);
  return codec(api.response, apiVersion).decode(reader) as ResponseOf<A>;
}

/** What the addresses of brokers that are reached by TLS begin with. */
export const TLS_PREFIX = "ssl://";

/** A connection to a broker. */
export class LoadConnection {
  /** Certificates of authorities, as PEM, that brokers reached by TLS are signed by. */
  static caCerts: string[] = [];

  readonly #conn: Deno.TcpConn | Deno.TlsConn;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(SMALLEST_BUFFER);
  #start = 0;
  #end = 0;

  private constructor(conn: Deno.TcpConn | Deno.TlsConn) {
    this.#conn = conn;
  }

  /** Connects to `host:port`, or by TLS to `ssl://host:port`. */
  static async connect(address: string): Promise<LoadConnection> {
    const isTls = address.startsWith(TLS_PREFIX);
    const [hostname, port] = (isTls ? address.slice(TLS_PREFIX.length) : address).split(":");
    const conn = await Deno.connect({ hostname: hostname!, port: Number(port) });
    conn.setNoDelay(true);
    if (!isTls) return new LoadConnection(conn);
    const secured = await Deno.startTls(conn, {
      hostname: hostname!,
      caCerts: LoadConnection.caCerts,
    });
    await secured.handshake();
    return new LoadConnection(secured);
  }

  /** Sends a frame unchanged. */
  async send(frame: Uint8Array): Promise<void> {
    let written = await this.#conn.write(frame);
    while (written < frame.length) written += await this.#conn.write(frame.subarray(written));
  }

  /**
   * Reads the next answer, without its size: a view that the next call overwrites.
   *
   * @throws {Deno.errors.UnexpectedEof} If the broker closes the connection.
   */
  async receive(): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#end - this.#start < SIZE_BYTES) await this.#fill(SIZE_BYTES);
    const at = this.#start;
    const bytes = this.#buffer;
    const size = bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
    while (this.#end - this.#start < SIZE_BYTES + size) await this.#fill(SIZE_BYTES + size);
    const from = this.#start + SIZE_BYTES;
    this.#start = from + size;
    return this.#buffer.subarray(from, from + size);
  }

  /** Reads once, with room for `size` bytes from the start of the answer. */
  async #fill(size: number): Promise<void> {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
    }
    if (this.#start + size > this.#buffer.length) {
      const held = this.#buffer.subarray(this.#start, this.#end);
      const target = size > this.#buffer.length
        ? new Uint8Array(size + SMALLEST_BUFFER)
        : this.#buffer;
      if (target === this.#buffer) target.copyWithin(0, this.#start, this.#end);
      else target.set(held);
      this.#buffer = target;
      this.#end -= this.#start;
      this.#start = 0;
    }
    const count = await this.#conn.read(this.#buffer.subarray(this.#end));
    if (count === null) throw new Deno.errors.UnexpectedEof("The broker closed the connection");
    this.#end += count;
  }

  /** Sends a request and returns its answer, which may be a view of the buffer. */
  async request<A extends Api>(
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A>> {
    await this.send(requestFrame(api, apiVersion, request));
    return decodeResponse(api, apiVersion, await this.receive());
  }

  /** Closes the connection. */
  close(): void {
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
