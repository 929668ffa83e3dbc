/**
 * Selects things by name, or by regular expression.
 *
 * @module
 */

import { CommandError } from "../errors.ts";
import type { Flags } from "../program/flag.ts";
import { didYouMean } from "../../protocol/suggest.ts";

/** Flags of commands that accept regular expressions instead of names. */
export const regexFlag = {
  regex: {
    alias: "r",
    type: "boolean",
    env: false,
    doc: "Treat names as regular expressions, which must match the whole name",
  },
} as const satisfies Flags;

/** Kafka's messages about names, with the name of the error. */
const KAFKAS_WORDS = {
  topic: {
    missing: "the topic does not exist (UNKNOWN_TOPIC_OR_PARTITION)",
    invalid: "the topic name is invalid (INVALID_TOPIC_EXCEPTION)",
  },
  group: {
    missing: "the group id does not exist (GROUP_ID_NOT_FOUND)",
    invalid: "the group id is invalid (INVALID_GROUP_ID)",
  },
} as const;

/** The names given on the command line. */
export interface NameSelection {
  /** Names, or regular expressions. */
  readonly names: readonly string[];
  readonly isRegex: boolean;
}

/** Things to select from. */
interface Named<T> {
  readonly all: readonly T[];
  /** Kind of the things: `topic`, which has the command `topic list`. */
  readonly kind: "topic" | "group";
  nameOf(thing: T): string;
  /** Whether only the exact name selects a thing, not an expression. Default: false for all. */
  isHidden?(thing: T): boolean;
}

/**
 * Returns the selected things, in the order given.
 *
 * @throws {CommandError} If there is no thing with a name, or an expression is invalid or matches
 *   nothing.
 */
export function selectByName<T>(things: Named<T>, { names, isRegex }: NameSelection): T[] {
  const { all, nameOf } = things;
  const selected = new Set<T>();
  for (const name of names) {
    const found = isRegex ? matching(things, name) : all.filter((each) => nameOf(each) === name);
    if (found.length === 0) throw notFound(things, name, isRegex);
    for (const thing of found) selected.add(thing);
  }
  return all.filter((thing) => selected.has(thing));
}

function matching<T>({ all, nameOf, isHidden }: Named<T>, text: string): T[] {
  let expression: RegExp;
  try {
    expression = new RegExp(`^(?:${text})$`, "u");
  } catch (error) {
    throw new CommandError(`Cannot use "${text}" as a regular expression`, { cause: error });
  }
  return all.filter((thing) => !isHidden?.(thing) && expression.test(nameOf(thing)));
}

function notFound<T>(
  { all, kind, nameOf }: Named<T>,
  name: string,
  isRegex: boolean,
): CommandError {
  if (isRegex) return new CommandError(`Cannot find a ${kind} that matches "${name}"`);
  if (name === "") {
    return new CommandError(`Cannot find ${kind} "": ${KAFKAS_WORDS[kind].invalid}, it is empty`);
  }
  const near = didYouMean(name, all.map(nameOf));
  const remedy = near || `; "dqueue ${kind} list" shows all`;
  return new CommandError(`Cannot find ${kind} "${name}": ${KAFKAS_WORDS[kind].missing}${remedy}`);
}
