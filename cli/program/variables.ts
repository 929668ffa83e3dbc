/**
 * The environment variables of the program: a mistyped one must not pass for one that is not set.
 *
 * @module
 */

import type { Command } from "./command.ts";
import type { Context } from "../terminal/context.ts";
import { UsageError } from "../errors.ts";
import { type NamedFlag, variableName } from "./flag.ts";
import { type Program, PROGRAM_FLAGS } from "./program.ts";
import { didYouMean } from "../../protocol/suggest.ts";

/** Beginning of all names. */
const PREFIX = "DQUEUE_";
/** Shows where an error came from. */
export const DEBUG_VARIABLE = "DQUEUE_DEBUG";
/** What tests and benchmarks set for themselves and pass on to the processes they start. */
const OF_TESTS = /^DQUEUE_(?:TEST|FUZZ|SIMULATION|BENCH|GROUP_SEED|GROUP_CHAOS|KILLS?)(?:_|$)/;
/** What Kubernetes sets in each container for a service whose name begins with "dqueue". */
const OF_SERVICES = /_SERVICE_HOST$|_SERVICE_PORT(?:_|$)|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_|$)/;
/** The value of such a variable that ends with `_PORT`, which may as well be somebody's mistake. */
const SERVICE_URL = /^(?:tcp|udp|sctp):\/\//;

/**
 * Checks that each variable of this program that is set is one.
 *
 * @throws {UsageError} naming the one that is not
 */
export function ensureKnownVariables(program: Program, context: Context): void {
  const names = context.envNames().filter((name) => name.startsWith(PREFIX));
  // Most often there are none, and it takes time to make the flags of all commands.
  if (names.length === 0) return;
  const flags = [
    ...program.commands.flatMap((command: Command) => command.flags),
    ...PROGRAM_FLAGS,
  ];
  const known = new Set([...flags.map(({ env }) => env ?? ""), DEBUG_VARIABLE]);
  for (const name of names) {
    if (known.has(name)) continue;
    if (OF_TESTS.test(name) || OF_SERVICES.test(name)) continue;
    if (name.endsWith("_PORT") && SERVICE_URL.test(context.env(name) ?? "")) continue;
    throw new UsageError(`Unknown variable "${name}"${hint(name, known, flags)}`);
  }
}

function hint(name: string, known: Iterable<string>, flags: readonly NamedFlag[]): string {
  const flag = flags.find((each) => variableName(each.name) === name);
  if (flag !== undefined) return `: --${flag.name} has no variable, give it on the command line`;
  // The common beginning would make everything look alike.
  const rests = Array.from(known).filter((each) => each.startsWith(PREFIX))
    .map((each) => each.slice(PREFIX.length));
  return didYouMean(name.slice(PREFIX.length), rests, PREFIX) || `: no command has such a setting`;
}
