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

export * from "./program/mod.ts";
export * from "./records/mod.ts";
export * from "./terminal/mod.ts";
export * from "./values/mod.ts";
export * from "./errors.ts";
