/**
 * The first administrator of a new cluster: its flags, and how its password is read.
 *
 * @module
 */

import { CommandError, UsageError } from "../../errors.ts";
import type { Flags } from "../../program/flag.ts";
import type { Context } from "../../terminal/context.ts";

const GROUP = "Security";
const MAX_PASSWORD_BYTES = 4096;
const STDIN = "-";
/** What others than the owner of a file may do with it. */
const OF_OTHERS = 0o077;

/** The flags. */
export const bootstrapFlags = {
  bootstrapUser: {
    doc: "First administrator of a new cluster: created once, allowed everything, and given the " +
      "password of --bootstrap-password-file",
    value: "NAME",
    group: GROUP,
  },
  bootstrapPasswordFile: {
    doc:
      "File with the password of --bootstrap-user, which only its owner may read (mode 0600); - for " +
      "the standard input",
    fallback: "asked for on a terminal",
    value: "FILE",
    group: GROUP,
  },
} as const satisfies Flags;

/** Values of {@linkcode bootstrapFlags}. */
export interface BootstrapFlagValues {
  readonly bootstrapUser?: string | undefined;
  readonly bootstrapPasswordFile?: string | undefined;
}

/**
 * Reads the first administrator; undefined if the flags name none.
 *
 * @throws {UsageError} If one of the flags is missing, and there is no terminal to ask on.
 * @throws {CommandError} If the password cannot be read, or others can read it.
 */
export async function readBootstrapUser(
  context: Context,
  { bootstrapUser: name, bootstrapPasswordFile: file }: BootstrapFlagValues,
): Promise<{ readonly name: string; readonly password: string } | undefined> {
  if (name === undefined && file === undefined) return undefined;
  if (name === undefined) {
    throw new UsageError("--bootstrap-password-file needs --bootstrap-user NAME");
  }
  if (file === undefined) return { name, password: await askForPassword(context, name) };
  const bytes = file === STDIN ? await readAll(context.stdin) : await readPrivate(file);
  // Editors and echo end a file with a line feed.
  const password = new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
  bytes.fill(0);
  if (password === "") throw new CommandError(`The password in ${nameOf(file)} is empty`);
  return { name, password };
}

async function askForPassword(context: Context, name: string): Promise<string> {
  if (!context.stdinIsTerminal) {
    throw new UsageError(
      "--bootstrap-user needs --bootstrap-password-file FILE; - reads the standard input",
    );
  }
  const { readSecret } = await import("../../terminal/secret_line.ts");
  const password = await readSecret(context, `New password of ${name}:`);
  if (password === "") throw new UsageError("Missing password: none was entered");
  if (password !== await readSecret(context, "Again:")) {
    throw new UsageError("The passwords are not the same");
  }
  return password;
}

async function readPrivate(file: string): Promise<Uint8Array> {
  try {
    const { mode, size } = await Deno.stat(file);
    // Windows has no such modes.
    if (mode !== null && (mode & OF_OTHERS) !== 0) {
      throw new CommandError(
        `Cannot use the password in ${file}: others can read it; run "chmod 600 ${file}"`,
      );
    }
    if (size > MAX_PASSWORD_BYTES) throw tooLong(file);
    return await Deno.readFile(file);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`Cannot read the password in ${file}: ${(error as Error).message}`);
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_PASSWORD_BYTES);
  let size = 0;
  for await (const chunk of stream) {
    if (size + chunk.length > bytes.length) throw tooLong(STDIN);
    bytes.set(chunk, size);
    size += chunk.length;
  }
  return bytes.subarray(0, size);
}

function tooLong(file: string): CommandError {
  return new CommandError(
    `The password in ${nameOf(file)} has more than ${MAX_PASSWORD_BYTES} bytes`,
  );
}

function nameOf(file: string): string {
  return file === STDIN ? "the standard input" : file;
}
