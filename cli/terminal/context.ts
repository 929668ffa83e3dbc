/**
 * The environment of a command: input and outputs, variables, the clock and the signal to stop.
 * Everything is injected, so a command can be tested without a process.
 *
 * @module
 */

import type { Output } from "./output.ts";

/** A terminal whose keys can be read as they are typed. */
export interface Keyboard {
  /** Whether keys are sent as they are typed, and not shown. */
  setRaw(isRaw: boolean): void;
  /** Reads what was typed; null at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
}

/** The environment of one run of a command. */
export interface Context {
  /** Standard input. Reading locks it, so only one part of a command can read it. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Whether standard input is a terminal, so the user can be asked. */
  readonly stdinIsTerminal: boolean;
  /** The keys of that terminal. */
  readonly keyboard: Keyboard;
  /** Results only. */
  readonly stdout: Output;
  /** Errors, warnings, questions and progress. */
  readonly stderr: Output;
  /** Aborts when the user stops the command (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  /** The exit code unless the command throws: a command that continues after a failure sets 1. */
  exitCode: number;
  /** Returns the value of an environment variable. */
  env(name: string): string | undefined;
  /** Names of the variables that are set and not empty, as far as they are readable. */
  envNames(): readonly string[];
  /** Milliseconds since the epoch. */
  now(): number;
  /** Reads a whole file named on the command line; `-` is standard input. */
  readTextFile(path: string): Promise<string>;
}
