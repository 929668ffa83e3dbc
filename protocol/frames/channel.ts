/**
 * Channels carry whole frames in both directions, over a pair of byte streams or within one
 * process.
 *
 * Client and broker depend on `FrameChannel` alone, so the same code serves an embedded broker and
 * one reached through a socket.
 *
 * @module
 */

import { FrameReader, type FrameReaderOptions, FrameWriter } from "./framing.ts";
import { Writer } from "../primitives/writer.ts";

/** One end of a connection that carries frames. */
export interface FrameChannel {
  /** Name of the other end for logs: `127.0.0.1:52114`, or `embedded`. */
  readonly peer: string;
  /** Writer for outgoing frames, each between `beginFrame()` and `endFrame()`. */
  readonly out: Writer;
  /** Encoded bytes not yet taken by the other end or the socket. */
  readonly backlog: number;
  /**
   * Called when the other end or the socket has taken some of the backlog. Default: does nothing.
   */
  onTaken: () => void;
  /**
   * Progress of a transfer that makes this end hold memory, if one is under way: bytes moved so
   * far, of a large frame that is arriving or of frames being sent. While it does not grow, the
   * other end is stuck.
   */
  readonly heldAt: number | undefined;
  /** Sends the content of `out`, at the end of this turn at the latest. */
  flush(): void;
  /**
   * Resolves when everything written to `out` before the call has been taken, or the channel has
   * ended.
   */
  drained(): Promise<void>;
  /** Returns a frame that has already arrived, without waiting. @throws as `next()` does. */
  buffered(): Uint8Array | undefined;
  /** Whether `buffered()` would return a frame. */
  readonly hasBuffered: boolean;
  /**
   * Returns the next frame, or null once the other end has closed.
   *
   * @throws {FrameSizeError} if a frame's size is negative or above the limit.
   * @throws {TruncatedFrameError} if the stream ends inside a frame.
   */
  next(): Promise<Uint8Array | null>;
  /**
   * Allows the memory of a frame returned by this channel to be reused. The frame and all views of
   * it must not be used afterwards. Frames that are not recycled are garbage collected.
   */
  recycle(frame: Uint8Array): void;
  /** Sends the remaining bytes, then closes both directions. Safe to call again. */
  close(): Promise<void>;
  /** Closes both directions immediately, even during `close()`. Safe to call again. */
  abort(): void;
}

/**
 * The part of a socket that a channel needs; `Deno.TcpConn`, `Deno.TlsConn` and `Deno.UnixConn`
 * have it.
 */
export interface ByteDuplex {
  /** Bytes from the peer. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes to the peer. */
  readonly writable: WritableStream<Uint8Array>;
  /** Closes both directions. */
  close(): void;
}

/** A channel over the two streams of a socket. */
export class StreamChannel implements FrameChannel {
  readonly peer: string;
  readonly #duplex: ByteDuplex;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  #isClosing = false;
  #hasEnded = false;

  /** Locks both streams of `duplex`. */
  constructor(duplex: ByteDuplex, peer: string, options: FrameReaderOptions) {
    this.peer = peer;
    this.#duplex = duplex;
    this.#reader = new FrameReader(duplex.readable, options);
    this.#writer = new FrameWriter(duplex.writable);
  }

  get out(): Writer {
    return this.#writer.out;
  }

  get backlog(): number {
    return this.#writer.backlog;
  }

  get onTaken(): () => void {
    return this.#writer.onTaken;
  }

  set onTaken(callback: () => void) {
    this.#writer.onTaken = callback;
  }

  get heldAt(): number | undefined {
    const { isInsideLarge, received } = this.#reader;
    if (!isInsideLarge && this.#writer.backlog === 0) return undefined;
    return received + this.#writer.taken;
  }

  flush(): void {
    this.#writer.flush();
  }

  drained(): Promise<void> {
    return this.#writer.drained();
  }

  buffered(): Uint8Array | undefined {
    return this.#reader.buffered();
  }

  get hasBuffered(): boolean {
    return this.#reader.hasBuffered;
  }

  next(): Promise<Uint8Array | null> {
    return this.#reader.next();
  }

  recycle(frame: Uint8Array): void {
    this.#reader.recycle(frame as Uint8Array<ArrayBuffer>);
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.#writer.close();
    this.#end();
  }

  abort(): void {
    if (this.#hasEnded) return;
    this.#isClosing = true;
    this.#writer.abort(new Deno.errors.ConnectionAborted("Channel was aborted"));
    this.#end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#reader.cancel();
    try {
      this.#duplex.close();
    } catch (error) {
      // Deno closes the socket itself once both of its streams have ended.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** Creates two connected channels within this process: each receives what the other sends. */
export function memoryChannels(peer = "embedded"): [FrameChannel, FrameChannel] {
  const first = new MemoryChannel(peer);
  const second = new MemoryChannel(peer);
  first.connect(second);
  second.connect(first);
  return [first, second];
}

class MemoryChannel implements FrameChannel {
  readonly peer: string;
  readonly out: Writer = new Writer();
  onTaken: () => void = () => {};
  /** A peer within the same process is not monitored. */
  readonly heldAt = undefined;
  #other!: MemoryChannel;
  #arrived: Uint8Array[] = [];
  /** Index in `#arrived` of the oldest frame not yet returned. */
  #head = 0;
  #arrivedSize = 0;
  #closed = false;
  #wakeReader: (() => void) | undefined;
  #wakeSenders: (() => void)[] = [];

  constructor(peer: string) {
    this.peer = peer;
  }

  connect(other: MemoryChannel): void {
    this.#other = other;
  }

  get backlog(): number {
    return this.out.size + this.#other.#arrivedSize;
  }

  flush(): void {
    if (this.out.size === 0) return;
    const bytes = this.out.takeBytes();
    if (this.#closed || this.#other.#closed) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length;) {
      const end = at + 4 + view.getInt32(at);
      this.#other.#arrived.push(bytes.subarray(at + 4, end));
      this.#other.#arrivedSize += end - at - 4;
      at = end;
    }
    this.#other.#wakeReader?.();
  }

  async drained(): Promise<void> {
    while (this.backlog > 0 && !this.#closed && !this.#other.#closed) {
      await new Promise<void>((resolve) => this.#other.#wakeSenders.push(resolve));
    }
  }

  buffered(): Uint8Array | undefined {
    const frame = this.#arrived[this.#head];
    if (frame === undefined) return undefined;
    this.#head++;
    this.#arrivedSize -= frame.length;
    this.#other.onTaken();
    if (this.#head === this.#arrived.length) {
      this.#arrived = [];
      this.#head = 0;
      this.#wake();
    }
    return frame;
  }

  get hasBuffered(): boolean {
    return this.#head < this.#arrived.length;
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const frame = this.buffered();
      if (frame !== undefined) return frame;
      if (this.#closed || this.#other.#closed) return null;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
      this.#wakeReader = undefined;
    }
  }

  /** Does nothing: the memory of a frame may belong to the sender. */
  recycle(): void {}

  close(): Promise<void> {
    if (!this.#closed) {
      this.flush();
      this.#end();
    }
    return Promise.resolve();
  }

  abort(): void {
    if (!this.#closed) this.#end();
  }

  #end(): void {
    this.#closed = true;
    for (const end of [this, this.#other]) {
      end.#wakeReader?.();
      end.#wake();
    }
  }

  #wake(): void {
    const senders = this.#wakeSenders;
    this.#wakeSenders = [];
    for (const resolve of senders) resolve();
  }
}
