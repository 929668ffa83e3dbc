/**
 * The command line: `main.ts` runs a `Program` of commands through this door.
 *
 * **A run.** `processContext()` makes the world of a process: input, outputs, variables, signals.
 * `runProgram()` takes it with the arguments: `command_line.ts` finds the command and its flags,
 * `config_file.ts` reads the file of `--config`, `settings.ts` makes values of both, the variables
 * and the defaults, the command runs, and what it throws becomes a message and an exit code
 * (`errors.ts`, `failure.ts`). Only `process_context.ts` knows that there is a process; tests use
 * `test_context.ts`.
 *
 * **A command** is data and a function: `command.ts` declares it, `flag.ts` its flags; `help.ts` and
 * `completions.ts` are made from the same table.
 *
 * **Output** goes through `Output`: buffered, with back-pressure, results on stdout and the rest on
 * stderr. `table.ts` is for people, `json.ts` for scripts, `progress.ts` for who is waiting,
 * `confirm.ts` asks before something is destroyed.
 *
 * **Records** come and go as text by a format string: `format.ts` is the language,
 * `record_formatter.ts` writes, `record_reader.ts` reads. `json.ts` does both for JSON, and loses
 * nothing. Both readers are parsers over `parse_stream.ts`.
 *
 * **Values** people write: `duration.ts`, `bytes.ts`, `units.ts`, `offset_spec.ts`. The commands themselves are
 * in `commands/`, which has a door of its own.
 *
 * @module
 */

export * from "./values/bytes.ts";
export * from "./program/command.ts";
export * from "./program/completions.ts";
export * from "./terminal/confirm.ts";
export * from "./terminal/context.ts";
export * from "./values/duration.ts";
export * from "./errors.ts";
export * from "./program/failure.ts";
export type { Argument, Arguments, Flag, Flags, ValueSpec, ValueType } from "./program/flag.ts";
export { FormatSyntaxError } from "./records/format.ts";
export * from "./records/json.ts";
export * from "./records/offset_spec.ts";
export { Output, type OutputOptions } from "./terminal/output.ts";
export * from "./terminal/process_context.ts";
export { Program, type ProgramSpec } from "./program/program.ts";
export * from "./terminal/progress.ts";
export * from "./records/record.ts";
export * from "./records/record_formatter.ts";
export * from "./records/record_reader.ts";
export * from "./program/run_program.ts";
export * from "./terminal/style.ts";
export * from "./terminal/table.ts";
export * from "./values/units.ts";
