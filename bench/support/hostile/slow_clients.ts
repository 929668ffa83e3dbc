/**
 * Clients that are slow to send a request or to read an answer, so that the broker has to hold it.
 *
 * @module
 */

const SIZE_BYTES = 4;

/** The pace of slow clients, which pause after each piece. */
export interface Pace {
  readonly pieceBytes: number;
  readonly pauseMs: number;
}

/** A connection that is used slowly. */
export class SlowClient {
  readonly #conn: Deno.TcpConn;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Connects to `host:port`. */
  static async connect(address: string): Promise<SlowClient> {
    const [hostname, port] = address.split(":");
    return new SlowClient(await Deno.connect({ hostname: hostname!, port: Number(port) }));
  }

  /** Opens many connections, a few at a time. */
  static async connectMany(address: string, count: number): Promise<SlowClient[]> {
    const clients: SlowClient[] = [];
    let begun = 0;
    const connectRest = async () => {
      while (begun++ < count) clients.push(await SlowClient.connect(address));
    };
    await Promise.all(Array.from({ length: 16 }, connectRest));
    return clients;
  }

  /** Sends a frame in pieces. */
  async send(frame: Uint8Array, { pieceBytes, pauseMs }: Pace): Promise<void> {
    for (let position = 0; position < frame.length;) {
      position += await this.#conn.write(frame.subarray(position, position + pieceBytes));
      if (position < frame.length) await pause(pauseMs);
    }
  }

  /**
   * Reads an answer in pieces.
   *
   * @returns Its first piece, and its size in bytes.
   */
  async receive({ pieceBytes, pauseMs }: Pace): Promise<{ head: Uint8Array; size: number }> {
    const head = await this.#fill(new Uint8Array(SIZE_BYTES));
    const size = new DataView(head.buffer).getInt32(0);
    const first = await this.#fill(new Uint8Array(Math.min(size, pieceBytes)));
    const piece = new Uint8Array(pieceBytes);
    for (let left = size - first.length; left > 0;) {
      await pause(pauseMs);
      left -= (await this.#fill(piece.subarray(0, left))).length;
    }
    return { head: first, size };
  }

  async #fill(into: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    for (let filled = 0; filled < into.length;) {
      const count = await this.#conn.read(into.subarray(filled));
      if (count === null) throw new Deno.errors.UnexpectedEof("The broker closed the connection");
      filled += count;
    }
    return into;
  }

  /** Closes the connection. */
  close(): void {
    this.#conn.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
