/**
 * A line that is typed without being shown.
 *
 * `promptSecret()` of `@std/cli` asks on standard output, which is for results, and blocks the event
 * loop, so that Ctrl-C would have no effect.
 *
 * @module
 */

import { abortable } from "../../client/connection/waiting.ts";
import { InterruptedError } from "../errors.ts";
import type { Context } from "./context.ts";

/** What was typed so far. */
export type LineState = "more" | "done" | "interrupted";

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const CTRL_U = 0x15;
const ESCAPE = 0x1b;
const DELETE = 0x7f;
const LINE_ENDS = [0x0a, 0x0d];

/** Collects the keys of a terminal in raw mode. */
export class SecretLine {
  #bytes: number[] = [];

  /** The line. */
  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.#bytes));
  }

  /** Takes what the terminal sent. */
  push(chunk: Uint8Array): LineState {
    // A key such as an arrow; what is pasted does not begin so.
    if (chunk[0] === ESCAPE) return "more";
    for (const byte of chunk) {
      if (LINE_ENDS.includes(byte) || byte === CTRL_D) return "done";
      if (byte === CTRL_C) return "interrupted";
      if (byte === CTRL_U) this.#bytes = [];
      else if (byte === BACKSPACE || byte === DELETE) this.#removeLast();
      else this.#bytes.push(byte);
    }
    return "more";
  }

  /** Removes a character, which may have several bytes. */
  #removeLast(): void {
    while ((this.#bytes.pop()! & 0xc0) === 0x80);
  }
}

/**
 * Asks for a secret on the terminal, without showing what is typed.
 *
 * @throws {InterruptedError} For Ctrl-C, which is a key here.
 * @throws The reason of the context's signal.
 */
export async function readSecret(context: Context, question: string): Promise<string> {
  const { keyboard, signal, stderr } = context;
  signal.throwIfAborted();
  const line = new SecretLine();
  const buffer = new Uint8Array(256);
  // Before the question: its answer may come at once.
  keyboard.setRaw(true);
  try {
    stderr.write(`${question} `);
    await stderr.flush();
    for (;;) {
      const size = await abortable(keyboard.read(buffer), signal);
      const state = size === null ? "done" : line.push(buffer.subarray(0, size));
      if (state === "done") return line.text;
      if (state === "interrupted") throw new InterruptedError("Interrupted");
    }
  } finally {
    keyboard.setRaw(false);
    buffer.fill(0);
    stderr.line();
    await stderr.flush();
  }
}
