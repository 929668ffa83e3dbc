/**
 * From a command line to an exit code.
 *
 * A `Program` is a tree of words with `command.ts` declarations as leaves; `flag.ts` declares flags
 * and arguments, and parses their values. `runProgram` finds the command (`command_line.ts`,
 * `aliases.ts` for names of other tools), collects values (`settings.ts`, `variables.ts`,
 * `config_file.ts`), runs it, and reports its errors (`failure.ts`). `help.ts` and `completions.ts`
 * are derived from the same declarations.
 *
 * @module
 */

export * from "./command.ts";
export * from "./completions.ts";
export * from "./failure.ts";
export type { Argument, Arguments, Flag, Flags, ValueSpec, ValueType } from "./flag.ts";
export { Program, type ProgramSpec } from "./program.ts";
export * from "./run_program.ts";
