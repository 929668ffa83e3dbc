/**
 * The flags of benchmark programs.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";

/**
 * Flags by name, each with its default: `false` for a switch, a text, `undefined` for a text without
 * default, `[]` for texts that can be repeated.
 */
export type FlagDefaults = Readonly<Record<string, false | string | undefined | readonly []>>;

/** The values of flags. */
export type FlagValues<D extends FlagDefaults> = {
  readonly [N in keyof D]: D[N] extends false ? boolean
    : D[N] extends readonly [] ? readonly string[]
    : D[N] extends string ? string
    : string | undefined;
};

/** A command line, taken apart. */
export interface ParsedFlags<D extends FlagDefaults> {
  readonly flags: FlagValues<D>;
  /** The arguments that are not flags. */
  readonly args: readonly string[];
}

/**
 * Parses a command line.
 *
 * @param maxArgs How many arguments it may have besides flags. Default: none.
 * @throws {TypeError} If it has an unknown flag, a flag without its value, or too many arguments.
 */
export function parseFlags<const D extends FlagDefaults>(
  defaults: D,
  { argv = Deno.args, maxArgs = 0 }: { argv?: readonly string[]; maxArgs?: number } = {},
): ParsedFlags<D> {
  const names = Object.keys(defaults);
  const switches = names.filter((name) => defaults[name] === false);
  const texts = names.filter((name) => defaults[name] !== false);
  const { _: args, ...flags } = parseArgs([...argv], {
    boolean: switches,
    string: [...texts, "_"],
    collect: names.filter((name) => Array.isArray(defaults[name])),
    unknown(arg) {
      if (!arg.startsWith("-")) return true;
      throw new TypeError(`Unknown flag "${arg}": there are --${names.join(", --")}`);
    },
  });
  for (const name of texts) {
    const value = flags[name];
    if (value === "" || Array.isArray(value) && value.includes("")) {
      throw new TypeError(`Flag --${name} needs a value`);
    }
  }
  if (args.length > maxArgs) throw new TypeError(`Unexpected argument "${args[maxArgs]}"`);
  return {
    flags: { ...defaults, ...flags } as unknown as FlagValues<D>,
    args: args.map(String),
  };
}
