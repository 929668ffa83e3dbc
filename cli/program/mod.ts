/**
 * From a command line to an exit code.
 *
 * A `Program` is a tree of words with `command.ts` declarations at its leaves; `flag.ts` declares flags
 * and arguments, and what their text stands for. `runProgram` finds the command (`command_line.ts`,
 * `habits.ts` for words of other tools), collects values (`settings.ts`, `variables.ts`,
 * `config_file.ts`), runs it, and makes a message of what it throws (`failure.ts`). `help.ts` and
 * `completions.ts` are made from the same declarations.
 *
 * @module
 */

export * from "./command.ts";
export * from "./completions.ts";
export * from "./failure.ts";
export type { Argument, Arguments, Flag, Flags, ValueSpec, ValueType } from "./flag.ts";
export { Program, type ProgramSpec } from "./program.ts";
export * from "./run_program.ts";
