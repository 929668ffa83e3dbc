/**
 * Where a command writes: standard output or standard error.
 *
 * Writing appends to a buffer and cannot wait; {@linkcode Output.flush} sends the buffer and waits
 * until the stream took it. A command that writes much flushes when {@linkcode Output.isFull}, so
 * that a slow reader slows it down instead of filling the memory, and whenever it is about to wait
 * for something else.
 *
 * @module
 */

import { ByteBuffer } from "./byte_buffer.ts";
import { CommandError, messageOf, OutputClosedError } from "../errors.ts";
import { type Style, styleFor } from "./style.ts";

/** From here on {@linkcode Output.isFull}. */
const FULL_SIZE = 64 * 1024;
const NEWLINE = 0x0a;

/** What an output leads to. */
export interface OutputOptions {
  /** What messages call it. Default: `the output`. */
  name?: string;
  /** Whether a person reads it as it comes. */
  isTerminal?: boolean;
  /** Whether it goes to a file, and not to another program. Default: no. */
  isFile?: boolean;
  /** Whether to use colour. Default: no. */
  colored?: boolean;
  /** Columns of the terminal, asked for each time because windows are resized. */
  columns?: () => number;
  /** Rows of the terminal, likewise. */
  rows?: () => number;
}

/** A buffered output over a stream of bytes. */
export class Output {
  /** Whether a person reads it as it comes. */
  readonly isTerminal: boolean;
  /** Whether it goes to a file: what is at the other end of a pipe may use the terminal itself. */
  readonly isFile: boolean;
  /** Colours, which do nothing unless this is a terminal that wants them. */
  readonly style: Style;
  /** What will be sent next. Hot loops append here directly. */
  readonly buffer = new ByteBuffer(FULL_SIZE);
  /**
   * Sent ahead of whatever is flushed next: the progress line's way to get out of the way. Only
   * `Progress` sets it.
   */
  overlay: string | undefined;

  readonly #name: string;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #columns: () => number;
  readonly #rows: () => number;
  readonly #encoder = new TextEncoder();
  #lastByte = NEWLINE;
  /** Settles, without failing, when the stream took the last chunk and those before it. */
  #sent: Promise<void> | undefined;
  #failure: OutputClosedError | CommandError | undefined;

  /** Takes the stream for itself. */
  constructor(stream: WritableStream<Uint8Array>, options: OutputOptions = {}) {
    this.#writer = stream.getWriter();
    // Each write reports its own failure; this promise would report it a second time, unhandled.
    this.#writer.closed.catch(() => {});
    this.#name = options.name ?? "the output";
    this.isTerminal = options.isTerminal ?? false;
    this.isFile = options.isFile ?? false;
    this.style = styleFor(options.colored ?? false);
    this.#columns = options.columns ?? (() => 80);
    this.#rows = options.rows ?? (() => 24);
  }

  /** Columns of the terminal; 80 where there is none. */
  get columns(): number {
    return this.#columns();
  }

  /** Rows of the terminal; 24 where there is none. */
  get rows(): number {
    return this.#rows();
  }

  /** Whether what was sent so far ends a line. */
  get isAtLineStart(): boolean {
    return this.#lastByte === NEWLINE;
  }

  /** Whether it is time to `await flush()` before writing more. */
  get isFull(): boolean {
    return this.buffer.length >= FULL_SIZE;
  }

  /** Appends bytes, or text in UTF-8. Bytes are copied. */
  write(chunk: string | Uint8Array): void {
    if (typeof chunk === "string") this.buffer.text(chunk);
    else this.buffer.bytes(chunk);
  }

  /** Appends text and a newline. */
  line(text = ""): void {
    this.buffer.text(text);
    this.buffer.byte(NEWLINE);
  }

  /**
   * Sends what was written and waits until the stream took it.
   *
   * @throws {OutputClosedError} if nobody reads any more
   * @throws {CommandError} if the stream failed otherwise, as a full disk does; every later call fails
   *   likewise
   */
  async flush(): Promise<void> {
    if (this.buffer.length > 0) {
      const chunk = this.buffer.take();
      if (this.overlay !== undefined) this.sendNow(this.overlay);
      this.#lastByte = chunk[chunk.length - 1]!;
      this.#send(chunk);
    }
    await this.#sent;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Sends text at once, past the buffer. A failure shows at the next {@linkcode flush}. */
  sendNow(text: string): void {
    this.#send(this.#encoder.encode(text));
  }

  /** After a failure nothing is sent any more: what was lost would be missing before it. */
  #send(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    this.#sent = this.#writer.write(chunk).catch((error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    const isClosed = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionReset;
    const options = { cause: error };
    this.#failure ??= isClosed
      ? new OutputClosedError(`Cannot write to ${this.#name}: nobody reads it any more`, options)
      : new CommandError(`Cannot write to ${this.#name}: ${messageOf(error)}`, options);
  }
}
