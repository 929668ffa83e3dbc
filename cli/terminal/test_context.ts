/**
 * A context without a process, for tests of commands.
 *
 * @module
 */

import type { Context, Keyboard } from "./context.ts";
import { Output, type OutputOptions } from "./output.ts";

/** Environment that a test provides to a command. */
export interface TestContextOptions {
  /** Content of standard input: text, bytes, or chunks. */
  stdin?: string | Uint8Array | readonly Uint8Array[];
  /** Whether standard input is a terminal. Default: no. */
  stdinIsTerminal?: boolean;
  /** What is typed without being shown, a line for each question. */
  typed?: readonly string[];
  /** Properties of standard output, and the error of writes to it. Default: a pipe. */
  stdout?: OutputOptions & { failure?: Error };
  /** Properties of standard error. Default: a pipe. */
  stderr?: OutputOptions;
  /** Environment variables. */
  env?: Readonly<Record<string, string>>;
  /** Files by path. */
  files?: Readonly<Record<string, string>>;
  /** The clock. Default: always 0. */
  now?: () => number;
}

/** A context whose outputs can be read. */
export interface TestContext extends Context {
  /** Aborting it simulates Ctrl-C. */
  readonly stop: AbortController;
  /** Bytes written to standard output. */
  stdoutBytes(): Uint8Array;
  /** Text written to standard output. */
  stdoutText(): string;
  /** Text written to standard error. */
  stderrText(): string;
}

/** Creates a context for a test. */
export function testContext(options: TestContextOptions = {}): TestContext {
  const stop = new AbortController();
  const stdout = capture(options.stdout);
  const stderr = capture(options.stderr);
  return {
    stop,
    stdin: streamOf(options.stdin ?? ""),
    stdinIsTerminal: options.stdinIsTerminal ?? false,
    keyboard: keyboardOf(options.typed ?? []),
    stdout: stdout.output,
    stderr: stderr.output,
    signal: stop.signal,
    exitCode: 0,
    env: (name) => options.env?.[name],
    envNames: () =>
      Object.entries(options.env ?? {}).filter(([, value]) => value).map(([name]) => name),
    now: options.now ?? (() => 0),
    readTextFile(path) {
      const text = options.files?.[path];
      if (text !== undefined) return Promise.resolve(text);
      return Promise.reject(new Deno.errors.NotFound(`No such file: ${path}`));
    },
    stdoutBytes: stdout.bytes,
    stdoutText: () => new TextDecoder().decode(stdout.bytes()),
    stderrText: () => new TextDecoder().decode(stderr.bytes()),
  };
}

/** A keyboard on which lines are typed, which must be hidden. */
function keyboardOf(lines: readonly string[]): Keyboard {
  const left = [...lines];
  let isHidden = false;
  return {
    setRaw(isRaw) {
      isHidden = isRaw;
    },
    read(buffer) {
      if (!isHidden) throw new Error("The secret would be shown");
      const line = left.shift();
      if (line === undefined) return Promise.resolve(null);
      return Promise.resolve(new TextEncoder().encodeInto(`${line}\r`, buffer).written);
    },
  };
}

/** A stream of the given chunks. */
export function streamOf(
  content: string | Uint8Array | readonly Uint8Array[],
): ReadableStream<Uint8Array> {
  if (typeof content === "string") return streamOf(new TextEncoder().encode(content));
  const chunks: readonly Uint8Array[] = content instanceof Uint8Array ? [content] : content;
  return ReadableStream.from(chunks.filter((chunk) => chunk.length > 0));
}

/** `bytes` in chunks of at most `size`. */
export function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.slice(i, i + size));
  return chunks;
}

function capture(
  { failure, ...options }: OutputOptions & { failure?: Error } = {},
): { output: Output; bytes: () => Uint8Array } {
  const chunks: Uint8Array[] = [];
  const stream = new WritableStream<Uint8Array>({
    write(chunk) {
      if (failure !== undefined) throw failure;
      chunks.push(chunk.slice());
    },
  });
  const bytes = () => {
    const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
    let position = 0;
    for (const chunk of chunks) {
      all.set(chunk, position);
      position += chunk.length;
    }
    return all;
  };
  return { output: new Output(stream, options), bytes };
}
