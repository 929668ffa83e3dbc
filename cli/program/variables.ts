/**
 * The environment variables of the program: mistyped ones are rejected.
 *
 * @module
 */

import type { Command } from "./command.ts";
import type { Context } from "../terminal/context.ts";
import { UsageError } from "../errors.ts";
import { type NamedFlag, variableName, variablesOf } from "./flag.ts";
import { type Program, PROGRAM_FLAGS } from "./program.ts";
import { didYouMean } from "../../protocol/suggest.ts";

/** Prefix of all names. */
const PREFIX = "DQUEUE_";
/** Prints stack traces of errors. */
export const DEBUG_VARIABLE = "DQUEUE_DEBUG";
/** Variables of secrets, which have no flag: others can see command lines. */
const SECRETS = ["DQUEUE_PASSWORD", "DQUEUE_TOKEN", "DQUEUE_TLS_KEY_PASSWORD"];
/** Prefix of the variables of tests, inherited by the processes they start. */
const OF_TESTS = "DQUEUE_TEST_";
/**
 * Variables that Kubernetes sets in each container for a service whose name starts with "dqueue".
 */
const OF_SERVICES = /_SERVICE_HOST$|_SERVICE_PORT(?:_|$)|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_|$)/;
/** The value of such a variable that ends with `_PORT`, which might otherwise be a mistake. */
const SERVICE_URL = /^(?:tcp|udp|sctp):\/\//;

/**
 * Checks that every variable with the program's prefix exists.
 *
 * @throws {UsageError} If one does not exist.
 */
export function ensureKnownVariables(program: Program, context: Context): void {
  const names = context.envNames().filter((name) => name.startsWith(PREFIX));
  // Usually there are none, and creating the flags of all commands takes time.
  if (names.length === 0) return;
  const flags = [
    ...program.commands.flatMap((command: Command) => command.flags),
    ...PROGRAM_FLAGS,
  ];
  const known = new Set([...flags.flatMap(variablesOf), DEBUG_VARIABLE, ...SECRETS]);
  const prefixes = flags.filter(({ flag }) => flag.suffix !== undefined)
    .map(({ name }) => `${variableName(name)}_`);
  for (const name of names) {
    if (known.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) continue;
    if (name.startsWith(OF_TESTS) || OF_SERVICES.test(name)) continue;
    if (name.endsWith("_PORT") && SERVICE_URL.test(context.env(name) ?? "")) continue;
    throw new UsageError(`Unknown variable "${name}"${hint(name, known, flags)}`);
  }
}

function hint(name: string, known: Iterable<string>, flags: readonly NamedFlag[]): string {
  const flag = flags.find((each) => variableName(each.name) === name);
  if (flag !== undefined) return `: --${flag.name} has no variable, use it on the command line`;
  // The common prefix would make all names similar.
  const rests = Array.from(known).filter((each) => each.startsWith(PREFIX))
    .map((each) => each.slice(PREFIX.length));
  return didYouMean(name.slice(PREFIX.length), rests, PREFIX) || `: no command has such a setting`;
}
