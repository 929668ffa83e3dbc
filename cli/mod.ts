/**
 * The command line: `main.ts` runs a `Program` of commands through this module.
 *
 * **A run.** `processContext()` provides input, outputs, variables and signals of the process.
 * `runProgram()` takes it with the arguments: `command_line.ts` finds the command and its flags,
 * `config_file.ts` reads the file of `--config`, `settings.ts` resolves values from both, the
 * variables and the defaults, the command runs, and its errors become a message and an exit code
 * (`errors.ts`, `failure.ts`). Only `process_context.ts` accesses the process; tests use
 * `test_context.ts`.
 *
 * **A command** is data and a function: `command.ts` declares it, `flag.ts` its flags; `help.ts`
 * and `completions.ts` are derived from the same table.
 *
 * **Output** goes through `Output`: buffered, with back-pressure, results on stdout and the rest on
 * stderr. `table.ts` is for people, `json.ts` for scripts, `progress.ts` shows progress, and
 * `confirm.ts` asks before destructive changes.
 *
 * **Records** are read and written with a format string: `format.ts` parses it,
 * `record_formatter.ts` writes, `record_reader.ts` reads. `json.ts` does both for JSON without
 * loss. Both readers are parsers over `parse_stream.ts`.
 *
 * **Values**: `duration.ts`, `bytes.ts`, `units.ts`, `offset_spec.ts`. The commands are in
 * `commands/`, which has its own `mod.ts`.
 *
 * @module
 */

export * from "./program/mod.ts";
export * from "./records/mod.ts";
export * from "./terminal/mod.ts";
export * from "./values/mod.ts";
export * from "./errors.ts";
