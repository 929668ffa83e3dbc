/**
 * The context of a real process: the only file in `cli/` that uses `Deno.stdin` and signals.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { ExitCode } from "../errors.ts";
import { Output } from "./output.ts";

const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** The context of a process; disposing it restores the default signal handlers. */
interface ProcessContext extends Context, Disposable {}

/**
 * Creates the context of this process.
 *
 * The first SIGINT or SIGTERM aborts `signal`, which lets the command finish; a second SIGINT ends
 * the process immediately.
 */
export function processContext(): ProcessContext {
  const stop = new AbortController();
  const listeners = listenForSignals(stop);
  return {
    get stdin() {
      return Deno.stdin.readable;
    },
    stdinIsTerminal: Deno.stdin.isTerminal(),
    keyboard: Deno.stdin,
    stdout: processOutput(Deno.stdout, "/dev/stdout", writableOf(Deno.stdout)),
    stderr: processOutput(Deno.stderr, "/dev/stderr", lossyWritableOf(Deno.stderr)),
    signal: stop.signal,
    exitCode: ExitCode.success,
    env: environmentVariable,
    envNames: environmentNames,
    now: () => Date.now(),
    readTextFile,
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
      listeners.length = 0;
    },
  };
}

function processOutput(
  file: typeof Deno.stdout,
  path: string,
  writable: WritableStream<Uint8Array>,
): Output {
  const isTerminal = file.isTerminal();
  return new Output(writable, {
    name: "standard output",
    isTerminal,
    isFile: !isTerminal && isFile(path),
    // Deno.noColor follows https://no-color.org.
    colored: isTerminal && !Deno.noColor && environmentVariable("TERM") !== "dumb",
    columns: () => (isTerminal ? terminalSize() : DEFAULT_SIZE).columns,
    rows: () => (isTerminal ? terminalSize() : DEFAULT_SIZE).rows,
  });
}

/**
 * A file as a stream that takes a chunk only after the system has taken it. `file.writable` does
 * not in Deno before 2.9: a failed write is reported by the next one, and a failure of the last
 * write never.
 */
function writableOf(file: typeof Deno.stdout): WritableStream<Uint8Array> {
  return new WritableStream({ write: (chunk) => writeAll(file, chunk) });
}

/**
 * A file as a stream that drops data that cannot be written. Messages must not make the command
 * fail, and later ones may succeed: a full disk may have space again.
 */
function lossyWritableOf(file: typeof Deno.stdout): WritableStream<Uint8Array> {
  return new WritableStream({ write: (chunk) => writeAll(file, chunk).catch(() => {}) });
}

async function writeAll(file: typeof Deno.stdout, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    written += await file.write(chunk.subarray(written));
  }
}

/** Deno does not provide the type of an output, but the system may. */
function isFile(path: string): boolean {
  try {
    const { state } = Deno.permissions.querySync({ name: "read", path });
    return state === "granted" && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** @throws {TypeError} If it is not UTF-8. */
async function readTextFile(path: string): Promise<string> {
  const bytes = path === "-"
    ? await new Response(Deno.stdin.readable).bytes()
    : await Deno.readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new TypeError("it is not UTF-8", { cause: error });
  }
}

/** Whether all variables can be read: asking for each of hundreds takes milliseconds. */
let readsAll: boolean | undefined;

function canReadAll(): boolean {
  return readsAll ??= Deno.permissions.querySync({ name: "env" }).state === "granted";
}

/** A variable without read permission is treated as unset: Deno must not prompt for it. */
function environmentVariable(name: string): string | undefined {
  if (canReadAll()) return Deno.env.get(name);
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** Without permission for all variables their names are unknown. */
function environmentNames(): string[] {
  if (!canReadAll()) return [];
  return Object.entries(Deno.env.toObject()).filter(([, value]) => value !== "")
    .map(([name]) => name);
}

function terminalSize(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || DEFAULT_SIZE.columns, rows: rows || DEFAULT_SIZE.rows };
  } catch {
    // consoleSize() uses standard input and output only, which may both be redirected.
    return DEFAULT_SIZE;
  }
}

function listenForSignals(stop: AbortController): [Deno.Signal, () => void][] {
  const interrupt = () => {
    if (stop.signal.aborted) Deno.exit(ExitCode.interrupted);
    stop.abort(new DOMException("Interrupted", "AbortError"));
  };
  const terminate = () => stop.abort(new DOMException("Terminated", "AbortError"));
  const listeners: [Deno.Signal, () => void][] = [["SIGINT", interrupt]];
  if (Deno.build.os !== "windows") listeners.push(["SIGTERM", terminate]);
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return listeners;
}
