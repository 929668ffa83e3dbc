/**
 * Commands, declared as data: one table from which parsing, help, variables, the config file and
 * shell completions are derived.
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

/** A worked example in a command's help. */
export interface Example {
  /** What it does. */
  readonly doc: string;
  /** The line to type. */
  readonly command: string;
}

/** What a command is called with. */
export interface Invocation<A extends Arguments = Arguments, F extends Flags = Flags> {
  readonly args: ArgumentValues<A>;
  readonly flags: FlagValues<F>;
}

/** The declaration of a command. */
export interface CommandSpec<A extends Arguments, F extends Flags> {
  /** Its words: `produce`, or noun and verb, `topic create`. */
  readonly name: string;
  /** What it does, in a line; begins with a capital, no full stop. */
  readonly summary: string;
  /** What else there is to know, in paragraphs; lines that begin with a blank are kept as they are. */
  readonly description?: string;
  readonly args?: A;
  /** A function where making them takes time that other commands need not spend. */
  readonly flags?: F | (() => F);
  readonly examples?: readonly Example[];
  /**
   * Does it. Throws `UsageError` if it was called wrongly and any other error if it failed; sets
   * `context.exitCode` if something failed and it went on nevertheless. What it wrote to the outputs
   * is flushed for it.
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

/** What a command is called with, as the machinery knows it. */
export interface UntypedInvocation {
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, unknown>>;
}

type Nothing = Record<never, never>;

/** Declares a command; the types of its values follow from the declaration. */
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
    // The values were made by the same declaration the types are made of.
    run: (context, invocation) => spec.run(context, invocation as unknown as Invocation<A, F>),
  };
}
