/**
 * A connection that sends requests one by one, or any bytes.
 *
 * It reads and writes frames with its own code, so a fault in the project's cannot hide itself.
 *
 * @module
 */

import { codec } from "../../../protocol/schema/codec.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../../protocol/frames/headers.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import { within } from "../within.ts";

const SIZE_BYTES = 4;

/** Encodes a request as a client sends it, with size and header. */
export function requestFrame<A extends Api>(
  api: A,
  apiVersion: number,
  request: RequestTo<A>,
  correlationId = 1,
  clientId = "test",
): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  const header = { apiKey: api.key, apiVersion, correlationId, clientId };
  writer.int32(0);
  writeRequestHeader(writer, api, header);
  codec(api.request, apiVersion).encode(writer, request as never);
  return withSize(writer.takeBytes());
}

function withSize(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  new DataView(frame.buffer, frame.byteOffset).setInt32(0, frame.length - SIZE_BYTES);
  return frame;
}

/** Prepends the size to some bytes. */
export function frameOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(SIZE_BYTES + bytes.length);
  frame.set(bytes, SIZE_BYTES);
  return withSize(frame);
}

/** A request whose answer was not read yet. */
interface Expected {
  readonly api: Api;
  readonly apiVersion: number;
  readonly correlationId: number;
}

/** A connection to a broker. */
export class RawConnection {
  readonly #conn: Deno.TcpConn | Deno.TlsConn;
  readonly #clientId: string;
  readonly #expected: Expected[] = [];
  #correlationId = 0;
  #isClosed = false;
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  private constructor(conn: Deno.TcpConn | Deno.TlsConn, clientId = "test") {
    this.#conn = conn;
    this.#clientId = clientId;
  }

  /** Connects to `host:port`. */
  static async connect(address: string, clientId = "test"): Promise<RawConnection> {
    const [hostname, port] = address.split(":");
    const conn = await Deno.connect({ hostname: hostname!, port: Number(port) });
    conn.setNoDelay(true);
    return new RawConnection(conn, clientId);
  }

  /** Connects to `host:port` by TLS, and trusts an authority. */
  static async connectTls(address: string, authority: string): Promise<RawConnection> {
    const [hostname, port] = address.split(":");
    const conn = await Deno.connectTls({
      hostname: hostname!,
      port: Number(port),
      caCerts: [authority],
    });
    await conn.handshake();
    return new RawConnection(conn);
  }

  /** Sends a request and returns its answer. */
  async request<A extends Api>(
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A>> {
    await this.send(api, apiVersion, request);
    return await this.receive(api);
  }

  /** Sends a request, whose answer is left to `receive()`. */
  async send<A extends Api>(
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
    { isAnswered = true }: { readonly isAnswered?: boolean } = {},
  ): Promise<void> {
    const correlationId = this.#correlationId++;
    if (isAnswered) this.#expected.push({ api, apiVersion, correlationId });
    const frame = requestFrame(api, apiVersion, request, correlationId, this.#clientId);
    await this.sendBytes(frame);
  }

  /** Reads the answer to the oldest unanswered request. Fails if the answer is for another request. */
  async receive<A extends Api>(api: A): Promise<ResponseOf<A>> {
    const expected = this.#expected.shift();
    if (expected?.api !== api) throw new TypeError(`No answer of ${api.name} is due`);
    const what = `the answer to ${api.name} version ${expected.apiVersion}`;
    const frame = await this.receiveFrame(what);
    if (frame === null) throw new Error(`The broker closed the connection instead of ${what}`);
    const reader = new Reader(frame);
    const correlationId = reader.int32();
    if (correlationId !== expected.correlationId) {
      throw new Error(`Got answer ${correlationId} where ${expected.correlationId} was due`);
    }
    readResponseHeaderTags(reader, api, expected.apiVersion);
    const response = codec(api.response, expected.apiVersion).decode(reader);
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes too many in ${what}`);
    return response as ResponseOf<A>;
  }

  /** Sends bytes unchanged. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** Reads the next frame, without its size; null if the broker has closed the connection. */
  receiveFrame(what = "a frame", limitMs?: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return within(this.#receiveFrame(), what, limitMs);
  }

  /** Resolves once the first bytes of an answer have arrived, without consuming them. */
  async started(): Promise<void> {
    if (!await within(this.#fill(1), "an answer")) throw new Error("The broker sent no answer");
  }

  /** Resolves once the broker has closed the connection; fails if it sends anything first. */
  async ended(): Promise<void> {
    const frame = await this.receiveFrame("the end of the connection");
    if (frame !== null) throw new Error(`Got ${frame.length} bytes where the end was due`);
  }

  async #receiveFrame(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (!await this.#fill(SIZE_BYTES)) return null;
    const size = new DataView(this.#received.buffer, this.#received.byteOffset).getInt32(0);
    if (!await this.#fill(SIZE_BYTES + size)) return null;
    const frame = this.#received.slice(SIZE_BYTES, SIZE_BYTES + size);
    this.#received = this.#received.subarray(SIZE_BYTES + size);
    return frame;
  }

  /** Reads until there are `size` bytes; false if the connection ends first. */
  async #fill(size: number): Promise<boolean> {
    if (this.#received.length >= size) return true;
    const bytes = new Uint8Array(Math.max(size, 4096));
    bytes.set(this.#received);
    let filled = this.#received.length;
    while (filled < size) {
      const count = await this.#read(bytes.subarray(filled));
      if (count === null) return false;
      filled += count;
    }
    this.#received = bytes.subarray(0, filled);
    return true;
  }

  /** A reset counts as an end: data that the broker had not read yet causes it. */
  async #read(bytes: Uint8Array): Promise<number | null> {
    try {
      return await this.#conn.read(bytes);
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return null;
      // The same by TLS.
      if (error instanceof Deno.errors.UnexpectedEof) return null;
      throw error;
    }
  }

  /** Closes the sending side; answers can still be read. */
  async closeWrite(): Promise<void> {
    await this.#conn.closeWrite();
  }

  /** Closes the connection. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
