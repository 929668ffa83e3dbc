/**
 * The two byte streams of a socket that Node's API made.
 *
 * Its `data` events become a byte stream that BYOB readers can use. Bytes that arrive before they are
 * asked for are kept, and the socket is paused while there are many. A write completes when the socket has
 * passed it on, so that what the other end has not taken counts as backlog.
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
  /** Stops `data` events, and with them the peer. */
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

/** Bytes that are kept before the socket is paused. */
const MAX_HELD_BYTES = 256 * 1024;

/** Returns the streams of a connected socket, which belongs to them from now on. */
export function socketDuplex(socket: NodeSocket): ByteDuplex {
  return new SocketDuplex(socket);
}

class SocketDuplex implements ByteDuplex {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #socket: NodeSocket;
  /** What has arrived and nobody has asked for. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #controller: ReadableByteStreamController | undefined;
  /** Whether a reader waits. */
  #isAsked = false;
  #isPaused = false;
  #hasEnded = false;
  #isCancelled = false;
  #failure: Error | undefined;

  constructor(socket: NodeSocket) {
    this.#socket = socket;
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>>({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller as ReadableByteStreamController;
      },
      pull: () => this.#pull(),
      cancel: () => {
        this.#isCancelled = true;
        this.close();
      },
    });
    this.writable = new WritableStream<Uint8Array>({
      write: (chunk) => this.#write(chunk),
      close: () => this.#end(),
      abort: () => void socket.destroy(),
    });
    socket.on("data", (chunk) => this.#arrived(chunk));
    socket.on("error", (error) => {
      this.#failure ??= translate(error);
      this.#over();
    });
    socket.on("end", () => this.#over());
    socket.on("close", () => this.#over());
    socket.resume();
  }

  close(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#over();
    this.#socket.destroy();
  }

  #arrived(chunk: Uint8Array): void {
    if (this.#hasEnded) return;
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#isAsked) this.#deliver();
    if (this.#heldBytes > MAX_HELD_BYTES && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    }
  }

  #over(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#isAsked) this.#finish();
  }

  #pull(): void {
    this.#isAsked = true;
    if (this.#heldBytes > 0) this.#deliver();
    else if (this.#hasEnded) this.#finish();
  }

  /** Copies into the reader's buffer, where there is one: it may be a part of a large frame. */
  #deliver(): void {
    this.#isAsked = false;
    const controller = this.#controller!;
    const request = controller.byobRequest;
    const view = request?.view;
    if (request === null || view === null || view === undefined) {
      const chunk = this.#held.shift()!;
      this.#heldBytes -= chunk.length;
      this.#resumeIfDue();
      controller.enqueue(new Uint8Array(chunk));
      return;
    }
    const room = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    let size = 0;
    while (size < room.length && this.#held.length > 0) {
      const chunk = this.#held[0]!;
      const taken = Math.min(room.length - size, chunk.length);
      room.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), size);
      if (taken === chunk.length) this.#held.shift();
      else this.#held[0] = chunk.subarray(taken);
      size += taken;
    }
    this.#heldBytes -= size;
    this.#resumeIfDue();
    request.respond(size);
  }

  #resumeIfDue(): void {
    if (!this.#isPaused || this.#heldBytes > MAX_HELD_BYTES / 2) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #finish(): void {
    if (this.#isCancelled) return;
    this.#isAsked = false;
    const controller = this.#controller!;
    if (this.#failure !== undefined) return controller.error(this.#failure);
    controller.close();
    controller.byobRequest?.respond(0);
  }

  #write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      if (this.#failure !== undefined || socket.destroyed) return reject(this.#failure ?? closed());
      socket.write(chunk, (error) => error ? reject(translate(error)) : resolve());
    });
  }

  #end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve();
      this.#socket.on("close", resolve);
      this.#socket.end(resolve);
    });
  }
}

function closed(): Error {
  return new Deno.errors.ConnectionAborted("The socket is closed");
}

/** Errors of Node's sockets as those of Deno's. */
function translate(error: Error): Error {
  const { code = "" } = error as { code?: string };
  const options = { cause: error };
  switch (code) {
    case "ECONNRESET":
      return new Deno.errors.ConnectionReset(error.message, options);
    case "EPIPE":
      return new Deno.errors.BrokenPipe(error.message, options);
    case "ETIMEDOUT":
      return new Deno.errors.TimedOut(error.message, options);
    case "ECONNABORTED":
    case "ECANCELED":
    case "EBADF":
    case "ERR_STREAM_DESTROYED":
    case "ERR_STREAM_WRITE_AFTER_END":
    case "ERR_SOCKET_CLOSED":
      return new Deno.errors.ConnectionAborted(error.message, options);
    default:
      return code.startsWith("ERR_SSL")
        ? new Deno.errors.InvalidData(error.message, options)
        : error;
  }
}
