/**
 * Channels carry whole frames both ways: over a pair of byte streams, or inside one process.
 *
 * Client and broker are written against `FrameChannel` alone, so an embedded broker and one behind
 * a socket run the same code.
 *
 * @module
 */

import { FrameReader, type FrameReaderOptions, FrameWriter } from "./framing.ts";
import { Writer } from "./writer.ts";

/** One end of a connection that carries frames. */
export interface FrameChannel {
  /** Who is at the other end, for logs: `127.0.0.1:52114`, or `embedded`. */
  readonly peer: string;
  /** Where frames to send are encoded, each between `beginFrame()` and `endFrame()`. */
  readonly out: Writer;
  /** Bytes encoded that the other end, or the socket, has not yet taken. */
  readonly backlog: number;
  /** Called when the other end, or the socket, has taken some of the backlog. Default: does nothing. */
  onTaken: () => void;
  /**
   * What the other end has us hold memory for, if it does: bytes moved so far, of a large frame that has
   * begun to arrive or of frames to be taken. As long as that does not grow, the other end is stuck.
   */
  readonly heldAt: number | undefined;
  /** Sends what `out` holds, at the end of this turn at the latest. */
  flush(): void;
  /** Resolves when everything that `out` was given before was taken, or the channel has ended. */
  drained(): Promise<void>;
  /** A frame that has already arrived, without waiting. @throws as `next()` does. */
  buffered(): Uint8Array | undefined;
  /** Whether there is such a frame. */
  readonly hasBuffered: boolean;
  /**
   * The next frame, or null once the other end has closed.
   *
   * @throws {FrameSizeError} if a frame's size is negative or above the limit.
   * @throws {TruncatedFrameError} if the stream ends inside a frame.
   */
  next(): Promise<Uint8Array | null>;
  /**
   * Says that nobody looks at a frame any more that was got here, nor at a part of it: its memory may
   * be read into again. Frames that are not recycled are left to the garbage collector.
   */
  recycle(frame: Uint8Array): void;
  /** Sends what is left, then closes both directions. Safe to call again. */
  close(): Promise<void>;
  /** Closes both directions at once, even where `close()` is under way. Safe to call again. */
  abort(): void;
}

/** What a channel needs of a socket: `Deno.TcpConn`, `Deno.TlsConn` and `Deno.UnixConn` have it. */
export interface ByteDuplex {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  close(): void;
}

/** A channel over a socket's two streams. */
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

/** Two ends of a connection inside this process; what one sends, the other receives. */
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
  /** Who is in the same process is not watched. */
  readonly heldAt = undefined;
  #other!: MemoryChannel;
  #arrived: Uint8Array[] = [];
  /** Index of the oldest frame in `#arrived` not yet handed out. */
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

  /** A frame's memory may be the sender's. */
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
