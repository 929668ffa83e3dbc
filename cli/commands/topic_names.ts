/**
 * Topics by name or by regular expression.
 *
 * @module
 */

import type { Admin, TopicListing } from "../../client/mod.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import type { Flags } from "../flag.ts";
import { didYouMean } from "../suggest.ts";

/** Flags of commands that may find their topics by regular expressions. */
export const regexFlag = {
  regex: {
    alias: "r",
    type: "boolean",
    env: false,
    doc: "Take the names for regular expressions, which a topic's whole name has to match",
  },
} as const satisfies Flags;

/** Which topics are meant. */
export interface TopicSelection {
  /** Names or regular expressions. */
  readonly names: readonly string[];
  readonly isRegex: boolean;
  /** Whether expressions find the broker's own topics too. */
  readonly internal: boolean;
}

/**
 * The topics that are meant, in the order of their names.
 *
 * @throws {CommandError} if a name is no topic's, or an expression is none or finds nothing
 */
export async function selectTopics(
  context: Context,
  admin: Admin,
  { names, isRegex, internal }: TopicSelection,
): Promise<TopicListing[]> {
  const all = await admin.listTopics({ internal: true, signal: context.signal });
  const selected = new Set<TopicListing>();
  for (const name of names) {
    const found = isRegex
      ? matching(all, name, internal)
      : all.filter((each) => each.name === name);
    if (found.length === 0) throw notFound(name, isRegex, all);
    for (const topic of found) selected.add(topic);
  }
  return all.filter((topic) => selected.has(topic));
}

function matching(all: readonly TopicListing[], text: string, internal: boolean): TopicListing[] {
  let expression: RegExp;
  try {
    expression = new RegExp(`^(?:${text})$`, "u");
  } catch (error) {
    throw new CommandError(`Cannot use "${text}" as a regular expression`, { cause: error });
  }
  return all.filter(({ name, isInternal }) => (internal || !isInternal) && expression.test(name));
}

function notFound(name: string, isRegex: boolean, all: readonly TopicListing[]): CommandError {
  if (isRegex) return new CommandError(`Cannot find a topic that matches "${name}"`);
  const near = didYouMean(name, all.map((topic) => topic.name));
  return new CommandError(`Cannot find topic "${name}"${near || "; dqueue topic list shows all"}`);
}
