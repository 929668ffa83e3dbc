/**
 * The two byte streams of a socket that Node's API made.
 *
 * Its `data` events become a byte stream that BYOB readers can use: a chunk that arrived waits until
 * it is asked for, and meanwhile the socket is paused. A write completes when the socket has passed
 * it on, so that what the other end has not taken counts as backlog.
 *
 * @module
 */

import type { ByteDuplex } from "./channel.ts";

/** The part of a socket of `node:net` or `node:tls` that is used. */
export interface NodeSocket {
  /** Listens to an event. */
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  /** Listens to the end of what the peer sends, or to the end of the socket. */
  on(event: "end" | "close", listener: () => void): unknown;
  /** Listens to the error that ends the socket. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Stops `data` events. */
  pause(): unknown;
  /** Lets `data` events happen. */
  resume(): unknown;
  /** Writes bytes, and calls back when they were passed on. */
  write(chunk: Uint8Array, done: (error?: Error | null) => void): boolean;
  /** Ends what this side sends. */
  end(done: () => void): unknown;
  /** Closes both directions immediately. */
  destroy(): unknown;
  /** Whether the socket is closed. */
  readonly destroyed: boolean;
}

/** Returns the streams of a connected socket, which belongs to them from now on. */
export function socketDuplex(socket: NodeSocket): ByteDuplex {
  /** Chunks that nobody has asked for yet; the socket is paused while there are any. */
  let arrived: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  let hasEnded = false;
  let isCancelled = false;
  let failure: Error | undefined;
  socket.on("data", (chunk) => {
    arrived.push(chunk);
    socket.pause();
    wake?.();
  });
  socket.on("error", (error) => {
    failure ??= error;
    hasEnded = true;
    wake?.();
  });
  for (const event of ["end", "close"] as const) {
    socket.on(event, () => {
      hasEnded = true;
      wake?.();
    });
  }
  socket.pause();
  const readable = new ReadableStream({
    type: "bytes",
    async pull(controller) {
      while (arrived.length === 0 && !hasEnded) {
        socket.resume();
        await new Promise<void>((resolve) => wake = resolve);
      }
      wake = undefined;
      if (isCancelled) return;
      if (arrived.length > 0) return deliver(controller);
      if (failure !== undefined) throw failure;
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel() {
      hasEnded = isCancelled = true;
      wake?.();
      socket.destroy();
    },
  });
  /** Copies into the reader's buffer, where there is one: it may be a part of a large frame. */
  function deliver(controller: ReadableByteStreamController): void {
    const chunk = arrived[0]!;
    const request = controller.byobRequest;
    const view = request?.view as Uint8Array<ArrayBuffer> | null | undefined;
    if (request === null || view === null || view === undefined) {
      arrived.shift();
      controller.enqueue(new Uint8Array(chunk));
      return;
    }
    const room = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const size = Math.min(room.length, chunk.length);
    room.set(chunk.subarray(0, size));
    if (size === chunk.length) arrived.shift();
    else arrived[0] = chunk.subarray(size);
    request.respond(size);
  }
  const writable = new WritableStream<Uint8Array>({
    write(chunk) {
      return new Promise((resolve, reject) => {
        if (failure !== undefined || socket.destroyed) return reject(failure ?? closed());
        socket.write(chunk, (error) => error ? reject(error) : resolve());
      });
    },
    close() {
      return new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        socket.on("close", resolve);
        socket.end(resolve);
      });
    },
    abort() {
      socket.destroy();
    },
  });
  return {
    readable,
    writable,
    close() {
      arrived = [];
      hasEnded = true;
      wake?.();
      socket.destroy();
    },
  };
}

function closed(): Error {
  return new Error("The socket is closed");
}
