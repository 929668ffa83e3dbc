/**
 * The program: its commands are in the table of `cli/commands/program.ts`.
 *
 * `serve` starts without the others, whose code would take a tenth of an idle broker's memory.
 *
 * @module
 */

import { ABOUT } from "./cli/commands/about.ts";
import { serve } from "./cli/commands/serve/serve.ts";
import { Program } from "./cli/program/program.ts";
import { runProgram } from "./cli/program/run_program.ts";
import { endProcess } from "./cli/terminal/end_process.ts";
import { processContext } from "./cli/terminal/process_context.ts";

/** Not a literal where it is imported: the runtime would read all of it at every start. */
const ALL = "./cli/commands/program.ts";

/** The program with the commands that a command line needs. */
export async function programFor(argv: readonly string[]): Promise<Program> {
  return argv[0] === "serve" ? new Program({ ...ABOUT, commands: [serve], all }) : await all();
}

async function all(): Promise<Program> {
  const { program }: typeof import("./cli/commands/program.ts") = await import(ALL);
  return program;
}

if (import.meta.main) {
  const context = processContext();
  endProcess(await runProgram(await programFor(Deno.args), Deno.args, context), context);
}
