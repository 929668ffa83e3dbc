/**
 * What a command has of the world around it: its input and outputs, variables, the clock and the
 * wish to stop. Everything is injected, so a command can be tested without a process.
 *
 * @module
 */

import type { Output } from "./output.ts";

/** The world of one run of a command. */
export interface Context {
  /** Standard input. Reading it takes a lock, so at most one part of a command reads it. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Whether standard input is a terminal, that is, whether somebody can be asked. */
  readonly stdinIsTerminal: boolean;
  /** Results and nothing else. */
  readonly stdout: Output;
  /** Errors, warnings, questions and progress. */
  readonly stderr: Output;
  /** Aborts when the user wants the command to stop (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  /** The exit code unless the command throws: a command that goes on after a failure sets 1. */
  exitCode: number;
  /** The value of an environment variable. */
  env(name: string): string | undefined;
  /** The names of the variables that are set and not empty, as far as they may be read. */
  envNames(): readonly string[];
  /** Milliseconds since the epoch. */
  now(): number;
  /** Reads a whole file named on the command line; `-` is standard input. */
  readTextFile(path: string): Promise<string>;
}
