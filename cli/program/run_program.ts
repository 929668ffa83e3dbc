/**
 * Runs a program: from the command line to the exit code.
 *
 * @module
 */

import { parseCommandLine } from "./command_line.ts";
import type { Command } from "./command.ts";
import { type ConfigFile, parseConfigFile } from "./config_file.ts";
import type { Context } from "../terminal/context.ts";
import { ExitCode, exitCodeOf, isInterruption, messageOf } from "../errors.ts";
import { OutputClosedError, UsageError } from "../errors.ts";
import { printFailure } from "./failure.ts";
import { settingName } from "./flag.ts";
import { formatHelp, type HelpOptions } from "./help.ts";
import type { Output } from "../terminal/output.ts";
import type { CommandNode, Program } from "./program.ts";
import { resolveInvocation } from "./settings.ts";
import { DEBUG_VARIABLE, ensureKnownVariables } from "./variables.ts";

const CONFIG_VARIABLE = "DQUEUE_CONFIG";

/**
 * Runs a program.
 *
 * @param argv The arguments after the program's name.
 * @returns The exit code: 0 if everything succeeded, 1 for a failure, 2 for wrong usage.
 */
export async function runProgram(
  program: Program,
  argv: readonly string[],
  context: Context,
): Promise<number> {
  let code: number;
  try {
    code = await run(program, argv, context);
    await context.stdout.flush();
  } catch (error) {
    code = exitCodeOf(error, context.signal);
    // Output printed before the failure is still valid.
    await context.stdout.flush().catch(() => {});
    report(program, argv, context, error);
  }
  await context.stderr.flush().catch(() => {});
  return code;
}

async function run(program: Program, argv: readonly string[], context: Context): Promise<number> {
  if (argv.length === 1 && argv[0] === "--version") {
    context.stdout.line(`${program.name} ${program.version}`);
    return ExitCode.success;
  }
  ensureText(argv);
  const line = parseCommandLine(program, argv);
  if (line.isHelp) {
    context.stdout.write(
      formatHelp(program, line.node, helpOptions(context.stdout, line.isFullHelp)),
    );
    return ExitCode.success;
  }
  const file = await readConfigFile(program, line.configPath, context);
  const { command } = line.node;
  if (command !== undefined) {
    return await call(program, command, { ...line, file }, context);
  }
  if (line.node === program.root && file?.command !== undefined) {
    const { command: fileCommand, args, settings } = file.command;
    const { flags } = line;
    ensureFlagsOf(program, fileCommand, flags);
    const sources = { flags, args, file: { path: file.path, settings } };
    return await call(program, fileCommand, sources, context);
  }
  context.stderr.write(formatHelp(program, line.node, context.stderr));
  context.stderr.line();
  throw new UsageError(missingCommand(program, line.node, file));
}

function helpOptions({ style, columns }: Output, isFull = false): HelpOptions {
  return { style, columns, isFull };
}

/**
 * The runtime replaces bytes that are not UTF-8 with U+FFFD, which must not be mistaken for input.
 */
function ensureText(argv: readonly string[]): void {
  const broken = argv.find((each) => each.includes("\ufffd"));
  if (broken === undefined) return;
  throw new UsageError(
    `Cannot use "${broken}" on the command line: it has bytes that are not UTF-8; ` +
      `"produce" reads any bytes from standard input`,
  );
}

/** Flags on the command line were parsed before the command in the file was known. */
function ensureFlagsOf(
  program: Program,
  command: Command,
  flags: ReadonlyMap<string, readonly string[]>,
): void {
  for (const key of flags.keys()) {
    if (command.flags.some((named) => named.key === key)) continue;
    const call = program.callOf(command.words);
    throw new UsageError(`Unknown flag "--${settingName(key)}" of "${call}"`);
  }
}

async function call(
  program: Program,
  command: Command,
  sources: Omit<Parameters<typeof resolveInvocation>[1], "env" | "envNames" | "nowMs">,
  context: Context,
): Promise<number> {
  if (command.flags.length > 0) {
    await program.check((each) => ensureKnownVariables(each, context));
  }
  const invocation = resolveInvocation(command, {
    ...sources,
    env: (name) => context.env(name),
    envNames: () => context.envNames(),
    nowMs: context.now(),
  });
  context.signal.throwIfAborted();
  await command.run(context, invocation);
  return context.exitCode;
}

async function readConfigFile(
  program: Program,
  flagPath: string | undefined,
  context: Context,
): Promise<ConfigFile | undefined> {
  const path = flagPath ?? (context.env(CONFIG_VARIABLE) || undefined);
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await context.readTextFile(path);
    if (path === "-") takeStdin(context);
  } catch (error) {
    const where = flagPath === undefined ? CONFIG_VARIABLE : "--config";
    const message = `Cannot read config file "${path}" of ${where}: ${messageOf(error)}`;
    throw new UsageError(message, { cause: error });
  }
  return await program.check((each) => parseConfigFile(each, text, path));
}

/** Makes a command that reads standard input fail, instead of finding it empty. */
function takeStdin(context: Context): void {
  Object.defineProperty(context, "stdin", {
    get() {
      throw new UsageError("Cannot read standard input: --config - has already read it");
    },
  });
}

function missingCommand(
  program: Program,
  node: CommandNode,
  file: ConfigFile | undefined,
): string {
  const call = program.callOf(node.words);
  const hint = node === program.root && file !== undefined
    ? ` and "${file.path}" has no "command"`
    : "";
  return `Missing command: nothing follows "${call}"${hint}`;
}

function report(
  program: Program,
  argv: readonly string[],
  context: Context,
  error: unknown,
): void {
  const { stderr } = context;
  if (error instanceof OutputClosedError) return;
  if (isInterruption(error, context.signal)) {
    // The terminal has printed ^C there.
    if (stderr.isTerminal) stderr.line();
    return;
  }
  printFailure(stderr, error);
  if (error instanceof UsageError) {
    stderr.line(`Run "${helpCall(program, argv)}" for usage`);
  } else if (context.env(DEBUG_VARIABLE) && error instanceof Error && error.stack !== undefined) {
    stderr.line(error.stack);
  }
}

/** The command line that prints the relevant help. */
function helpCall(program: Program, argv: readonly string[]): string {
  let node = program.root;
  for (const token of argv) {
    const child = node.children.get(token);
    if (child !== undefined) node = child;
    if (node.command !== undefined) break;
  }
  return `${program.callOf(node.words)} --help`;
}
