/**
 * Worker that is the client of a hostile case. It is a thread, so that making large frames does not hold up
 * the one that measures.
 *
 * @module
 */

import { HOSTILE_CASES } from "./hostile_cases.ts";

/** The message that starts a case. */
export interface HostileOrder {
  /** The broker, `host:port`. */
  readonly address: string;
  /** Index of the case. */
  readonly index: number;
}

/** The message of the worker when a case is over. */
export interface HostileOutcome {
  /** Answers read. */
  readonly answers: number;
  /** Their size in bytes. */
  readonly bytes: number;
  /** Whether the broker closed a connection. */
  readonly isClosed: boolean;
  readonly seconds: number;
}

/** How long answers are not read. */
const UNTAKEN_MS = 3000;
/** How long a case may take at most. */
const DEADLINE_MS = 60_000;

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<HostileOrder>) => void) | null;
  postMessage(news: HostileOutcome): void;
};

if (typeof WorkerGlobalScope !== "undefined") {
  scope.onmessage = async ({ data }) => scope.postMessage(await run(data));
}

async function run({ address, index }: HostileOrder): Promise<HostileOutcome> {
  const { frame, times = 1, connections = 1, isTaken = true } = HOSTILE_CASES[index]!;
  const bytes = frame();
  const [hostname, port] = address.split(":");
  const conns = await Promise.all(
    Array.from(
      { length: connections },
      () => Deno.connect({ hostname: hostname!, port: Number(port) }),
    ),
  );
  const startedMs = performance.now();
  const timer = setTimeout(() => closeAll(conns), isTaken ? DEADLINE_MS : UNTAKEN_MS);
  const taken = await Promise.all(conns.map(async (conn) => {
    const sent = send(conn, bytes, times).catch(() => {});
    const answers = isTaken ? await take(conn, times) : { answers: 0, bytes: 0, isClosed: false };
    await sent;
    return answers;
  }));
  clearTimeout(timer);
  closeAll(conns);
  return {
    answers: taken.reduce((sum, { answers }) => sum + answers, 0),
    bytes: taken.reduce((sum, { bytes }) => sum + bytes, 0),
    isClosed: taken.some(({ isClosed }) => isClosed),
    seconds: (performance.now() - startedMs) / 1000,
  };
}

function closeAll(conns: readonly Deno.TcpConn[]): void {
  for (const conn of conns) {
    try {
      conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

async function send(conn: Deno.TcpConn, frame: Uint8Array, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    for (let at = 0; at < frame.length;) at += await conn.write(frame.subarray(at));
  }
}

/** Reads answers, and only their sizes. */
async function take(conn: Deno.TcpConn, count: number) {
  const buffer = new Uint8Array(1 << 20);
  const head = new Uint8Array(4);
  let headSize = 0;
  let left = 0;
  const taken = { answers: 0, bytes: 0, isClosed: false };
  while (taken.answers < count) {
    const read = await conn.read(buffer).catch(() => null);
    if (read === null) return { ...taken, isClosed: true };
    taken.bytes += read;
    for (let at = 0; at < read;) {
      if (left > 0) {
        const part = Math.min(left, read - at);
        left -= part;
        at += part;
      } else {
        head[headSize++] = buffer[at++]!;
        if (headSize < head.length) continue;
        headSize = 0;
        left = new DataView(head.buffer).getInt32(0);
      }
      if (left === 0 && headSize === 0) taken.answers++;
    }
  }
  return taken;
}

declare const WorkerGlobalScope: unknown;
