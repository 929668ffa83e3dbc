/**
 * Commands, declared as data: parsing, help, variables, the config file and shell completions are
 * derived from one declaration.
 *
 *     export const topicCreate = command({
 *       name: "topic create",
 *       summary: "Create topics",
 *       args: { topics: { doc: "Name of the topic", value: "TOPIC", many: true } },
 *       flags: {
 *         ...connectionFlags,
 *         partitions: { type: "integer", min: 1, default: 1, doc: "Partitions of each topic" },
 *         ifNotExists: { type: "boolean", doc: "Succeed if the topic exists already" },
 *       },
 *       examples: [{ doc: "With three partitions", command: "dqueue topic create a --partitions 3" }],
 *       async run(context, { args, flags }) { … },   // args.topics: string[], flags.partitions: number
 *     });
 *
 * @module
 */

import type { Context } from "../terminal/context.ts";
import type { Argument, Arguments, ArgumentValues, Flags, FlagValues, NamedFlag } from "./flag.ts";
import { nameFlags } from "./flag.ts";

/** An example in a command's help. */
interface Example {
  /** What the example does. */
  readonly doc: string;
  /** The command line. */
  readonly command: string;
}

/** Arguments and flags of a call. */
interface Invocation<A extends Arguments = Arguments, F extends Flags = Flags> {
  readonly args: ArgumentValues<A>;
  readonly flags: FlagValues<F>;
}

/** Declaration of a command. */
export interface CommandSpec<A extends Arguments, F extends Flags> {
  /** Words of the command: `produce`, or noun and verb, `topic create`. */
  readonly name: string;
  /** What the command does, in one line; starts with a capital, no full stop. */
  readonly summary: string;
  /** Further paragraphs; lines that start with a blank are not wrapped. */
  readonly description?: string;
  readonly args?: A;
  /** A function if creating the flags is slow, so that other commands need not do it. */
  readonly flags?: F | (() => F);
  readonly examples?: readonly Example[];
  /**
   * Runs the command. Throws `UsageError` for wrong usage and any other error on failure; sets
   * `context.exitCode` if it continued after a failure. The outputs are flushed afterwards.
   */
  run(context: Context, invocation: Invocation<A, F>): void | Promise<void>;
}

/** A command. */
export interface Command {
  readonly name: string;
  readonly words: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly args: readonly (readonly [key: string, argument: Argument])[];
  readonly flags: readonly NamedFlag[];
  readonly examples: readonly Example[];
  run(context: Context, invocation: UntypedInvocation): void | Promise<void>;
}

/** Arguments and flags of a call, without their types. */
export interface UntypedInvocation {
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, unknown>>;
}

type Nothing = Record<never, never>;

/** Declares a command; the types of its values are inferred from the declaration. */
export function command<const A extends Arguments = Nothing, const F extends Flags = Nothing>(
  spec: CommandSpec<A, F>,
): Command {
  const args = Object.entries(spec.args ?? {});
  args.forEach(([key, argument], i) => {
    const isLast = i === args.length - 1;
    if (argument.many && !isLast) throw new Error(`${spec.name}: ${key} is many and not the last`);
    if (!argument.optional && i > 0 && args[i - 1]![1].optional) {
      throw new Error(`${spec.name}: ${key} is required and comes after what is optional`);
    }
  });
  let flags: readonly NamedFlag[] | undefined;
  return {
    name: spec.name,
    words: spec.name.split(" "),
    summary: spec.summary,
    description: spec.description ?? "",
    args,
    get flags(): readonly NamedFlag[] {
      return flags ??= nameFlags(
        (typeof spec.flags === "function" ? spec.flags() : spec.flags) ?? {},
      );
    },
    examples: spec.examples ?? [],
    // The values come from the same declaration as the types.
    run: (context, invocation) => spec.run(context, invocation as unknown as Invocation<A, F>),
  };
}
