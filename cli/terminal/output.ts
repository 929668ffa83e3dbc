/**
 * The output of a command: standard output or standard error.
 *
 * Writing appends to a buffer and does not wait; {@linkcode Output.flush} sends the buffer and
 * waits until the stream has taken it. A command with much output flushes when {@linkcode
 * Output.isFull}, so a slow reader slows it down instead of filling memory, and before it waits for
 * anything else.
 *
 * @module
 */

import { ByteBuffer } from "./byte_buffer.ts";
import { CommandError, messageOf, OutputClosedError } from "../errors.ts";
import { type Style, styleFor } from "./style.ts";

/** Size from which {@linkcode Output.isFull} is true. */
const FULL_SIZE = 64 * 1024;
const NEWLINE = 0x0a;

/** Properties of an output. */
export interface OutputOptions {
  /** Name in error messages. Default: `the output`. */
  name?: string;
  /** Whether it is a terminal. Default: no. */
  isTerminal?: boolean;
  /** Whether it is a file. Default: no. */
  isFile?: boolean;
  /** Whether to use colour. Default: no. */
  colored?: boolean;
  /** Columns of the terminal; a function, because windows are resized. */
  columns?: () => number;
  /** Rows of the terminal, likewise. */
  rows?: () => number;
}

/** A buffered output to a stream of bytes. */
export class Output {
  /** Whether it is a terminal. */
  readonly isTerminal: boolean;
  /** Whether it is a file; the other end of a pipe may use the terminal itself. */
  readonly isFile: boolean;
  /** Styles, which have no effect without a terminal that supports colours. */
  readonly style: Style;
  /** The next bytes to send. Hot loops append here directly. */
  readonly buffer = new ByteBuffer(FULL_SIZE);
  /**
   * Sent before the next flush: clears the progress line. Only `Progress` sets it.
   */
  overlay: string | undefined;

  readonly #name: string;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #columns: () => number;
  readonly #rows: () => number;
  readonly #encoder = new TextEncoder();
  #lastByte = NEWLINE;
  /** Resolves, without failing, when the stream has taken all chunks so far. */
  #sent: Promise<void> | undefined;
  #failure: OutputClosedError | CommandError | undefined;

  /** Locks the stream. */
  constructor(stream: WritableStream<Uint8Array>, options: OutputOptions = {}) {
    this.#writer = stream.getWriter();
    // Each write reports its own failure; this promise would report it again, unhandled.
    this.#writer.closed.catch(() => {});
    this.#name = options.name ?? "the output";
    this.isTerminal = options.isTerminal ?? false;
    this.isFile = options.isFile ?? false;
    this.style = styleFor(options.colored ?? false);
    this.#columns = options.columns ?? (() => 80);
    this.#rows = options.rows ?? (() => 24);
  }

  /** Columns of the terminal; 80 without one. */
  get columns(): number {
    return this.#columns();
  }

  /** Rows of the terminal; 24 without one. */
  get rows(): number {
    return this.#rows();
  }

  /** Whether the output sent so far ends a line. */
  get isAtLineStart(): boolean {
    return this.#lastByte === NEWLINE;
  }

  /** Whether to `await flush()` before writing more. */
  get isFull(): boolean {
    return this.buffer.length >= FULL_SIZE;
  }

  /** Appends bytes, or text as UTF-8. Bytes are copied. */
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
   * Sends the buffer and waits until the stream has taken it.
   *
   * @throws {OutputClosedError} If the reader is gone.
   * @throws {CommandError} If the stream failed otherwise, for example because of a full disk;
   *   every later call fails too.
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

  /**
   * Sends text immediately, bypassing the buffer. A failure surfaces at the next {@linkcode flush}.
   */
  sendNow(text: string): void {
    this.#send(this.#encoder.encode(text));
  }

  /** After a failure nothing more is sent, because output would be missing before it. */
  #send(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    this.#sent = this.#writer.write(chunk).catch((error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    const isClosed = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionReset;
    const options = { cause: error };
    this.#failure ??= isClosed
      ? new OutputClosedError(`Cannot write to ${this.#name}: its reader is gone`, options)
      : new CommandError(`Cannot write to ${this.#name}: ${messageOf(error)}`, options);
  }
}
