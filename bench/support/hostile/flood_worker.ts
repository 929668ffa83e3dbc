/**
 * Worker with connections that each send many requests at once and read the answers. It is a thread, so that
 * it does not hold up the one that measures.
 *
 * @module
 */

/** The message that starts the worker. */
export interface Flood {
  /** The broker, `host:port`. */
  readonly address: string;
  readonly connections: number;
  /** The requests that each connection sends, concatenated. */
  readonly requests: Uint8Array<ArrayBuffer>;
  /** How many there are. */
  readonly count: number;
}

/** Messages of the worker: all are connected, and all requests of each are answered. */
export type FloodNews = "connected" | "answered";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Flood>) => void) | null;
  postMessage(news: FloodNews): void;
};

if (typeof WorkerGlobalScope !== "undefined") {
  scope.onmessage = ({ data }) => flood(data);
}

async function flood({ address, connections, requests, count }: Flood): Promise<void> {
  const [hostname, port] = address.split(":");
  const conns = await Promise.all(
    Array.from(
      { length: connections },
      () => Deno.connect({ hostname: hostname!, port: Number(port) }),
    ),
  );
  scope.postMessage("connected");
  await Promise.all(conns.map((conn) => Promise.all([send(conn, requests), take(conn, count)])));
  for (const conn of conns) conn.close();
  scope.postMessage("answered");
}

async function send(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Reads `count` answers. */
async function take(conn: Deno.TcpConn, count: number): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  let held = 0;
  let skip = 0;
  for (let left = count; left > 0;) {
    const read = await conn.read(buffer.subarray(held));
    if (read === null) throw new Deno.errors.UnexpectedEof("The broker closed the connection");
    held += read;
    let at = Math.min(skip, held);
    skip -= at;
    while (skip === 0 && held - at >= 4) {
      const size = 4 + new DataView(buffer.buffer, at).getInt32(0);
      left--;
      skip = Math.max(0, size - (held - at));
      at = Math.min(held, at + size);
    }
    buffer.copyWithin(0, at, held);
    held -= at;
  }
}

declare const WorkerGlobalScope: unknown;
