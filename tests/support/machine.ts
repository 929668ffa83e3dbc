/**
 * Where a process of a test runs.
 *
 * @module
 */

import type { CommandLine } from "./broker/dqueue.ts";

/** A machine, which may be a network namespace of this one. */
export interface Machine {
  readonly name: string;
  /** The address that others reach it at. */
  readonly host: string;
  /** A command that runs another one on it. */
  command(program: CommandLine): CommandLine;
}
