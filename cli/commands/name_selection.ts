/**
 * Things that are given by their names, or by regular expressions.
 *
 * @module
 */

import { CommandError } from "../errors.ts";
import type { Flags } from "../program/flag.ts";
import { didYouMean } from "../../protocol/suggest.ts";

/** Flags of commands that may find what they work on by regular expressions. */
export const regexFlag = {
  regex: {
    alias: "r",
    type: "boolean",
    env: false,
    doc: "Take the names for regular expressions, which a whole name has to match",
  },
} as const satisfies Flags;

/** What Kafka says of names, with the name of its error. */
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

/** Which names are meant. */
export interface NameSelection {
  /** Names or regular expressions. */
  readonly names: readonly string[];
  readonly isRegex: boolean;
}

/** Things that have names. */
export interface Named<T> {
  readonly all: readonly T[];
  /** What they are: `topic`, for which there is a command `topic list`. */
  readonly kind: "topic" | "group";
  nameOf(thing: T): string;
  /** Whether expressions do not find it, only its very name. Default: none. */
  isHidden?(thing: T): boolean;
}

/**
 * The things that are meant, in the order in which they are given.
 *
 * @throws {CommandError} if a name is none's, or an expression is none or finds nothing
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
