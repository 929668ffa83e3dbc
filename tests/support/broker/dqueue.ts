/**
 * The program as its users run it: as a process.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { within } from "../within.ts";

/** Path of the checkout, with a slash at the end. */
export const ROOT = fromFileUrl(new URL("../../../", import.meta.url));

/** A program and its first arguments. */
export interface CommandLine {
  readonly path: string;
  readonly args: readonly string[];
}

/** Returns the arguments that a task of `deno.json` passes to `deno`. */
export async function taskArguments(name: string): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const task: string | { readonly command: string } = tasks[name];
  const words = (typeof task === "string" ? task : task.command).matchAll(
    /'([^']*)'|"([^"]*)"|(\S+)/g,
  );
  const [deno, ...args] = Array.from(
    words,
    ([, single, double, bare]) => single ?? double ?? bare!,
  );
  if (deno !== "deno") throw new Error(`Cannot run task "${name}": it starts with "${deno}"`);
  return args;
}

/** Returns the command of a task, with its permissions, up to the program's own arguments. */
export async function fromSource(task: "start" | "dqueue" = "start"): Promise<CommandLine> {
  const [run, ...args] = await taskArguments(task);
  const main = args.indexOf("main.ts");
  if (main < 0) throw new Error(`Cannot find main.ts in task "${task}"`);
  const config = ["--quiet", `--config=${ROOT}deno.json`];
  return {
    path: Deno.execPath(),
    args: [run!, ...config, ...args.slice(0, main).map(fromRoot), `${ROOT}main.ts`],
  };
}

/** A flag that names a file of the checkout, for a process that runs elsewhere. */
function fromRoot(flag: string): string {
  return flag.replace(/^(--lock=)/, `$1${ROOT}`);
}

/** How to run a command. */
export interface RunOptions {
  readonly program?: CommandLine;
  readonly input?: Uint8Array | string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The outcome of a command. */
export interface RunResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function attempt(
  args: readonly string[],
  { program, input = "", cwd, env = {} }: RunOptions = {},
): Promise<RunResult> {
  const { path, args: first } = program ?? await fromSource();
  const child = new Deno.Command(path, {
    args: [...first, ...args],
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const fed = feed(child.stdin, typeof input === "string" ? ENCODER.encode(input) : input);
  try {
    const output = await within(child.output(), `dqueue ${args.join(" ")}`);
    await fed;
    const stderr = new TextDecoder().decode(output.stderr);
    return { code: output.code, stdout: output.stdout, stderr };
  } catch (error) {
    child.kill("SIGKILL");
    await child.status;
    throw error;
  }
}

/** Runs a command to its end and returns its output. Fails if the command fails. */
export async function dqueue(args: readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await attempt(args, options);
  if (code !== 0) throw new Error(`dqueue ${args.join(" ")} ended with ${code}: ${stderr}`);
  return new TextDecoder().decode(stdout);
}

const ENCODER = new TextEncoder();

/** Writes a process's input. A process that has ended reads no more of it, which is no error here. */
export async function feed(stdin: WritableStream<Uint8Array>, input: Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(input);
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
