/**
 * Subscriptions by regular expression, in the RE2 syntax that clients send.
 *
 * Expressions come from clients and are matched with all topics, so the engine must run in linear
 * time for every expression, unlike JavaScript's. This is a port of the engine that Kafka uses; it
 * is loaded on first use.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";

type Engine = typeof import("npm:re2js@2.10.0");

let engine: Engine | undefined;

/** Whether the engine is loaded. */
export function isRegexEngineLoaded(): boolean {
  return engine !== undefined;
}

/** Loads the engine. */
export async function loadRegexEngine(): Promise<void> {
  // deno-lint-ignore no-import-prefix
  engine ??= await import("npm:re2js@2.10.0");
}

/** Whether an entire topic name matches. */
export type TopicMatcher = (topic: string) => boolean;

/** Maximum length of an expression in characters. */
const MAX_LENGTH = 4000;
/** Maximum length of an expression with its repetitions expanded. */
const MAX_EXPANDED = 1000;

/**
 * The length of an expression with all repetitions expanded, which determines its time and memory.
 * The result is an upper bound, and unspecified for an invalid expression.
 */
export function expandedSize(expression: string): number {
  /** Sizes of the open groups, innermost last, and of the last element in each. */
  const open = [{ size: 0, last: 0 }];
  for (let i = 0; i < expression.length; i++) {
    const group = open.at(-1)!;
    const repeated = expression[i] === "{"
      ? REPETITION.exec(expression.slice(i, i + MAX_REPETITION_LENGTH))
      : null;
    if (repeated !== null) {
      const times = Math.max(1, Number(repeated[1]), Number(repeated[2] ?? 0));
      group.size += group.last * (times - 1);
      group.last *= times;
      i += repeated[0].length - 1;
    } else if (expression[i] === "(") {
      group.size++;
      open.push({ size: 0, last: 0 });
    } else if (expression[i] === ")" && open.length > 1) {
      const { size } = open.pop()!;
      const outer = open.at(-1)!;
      outer.size += size;
      outer.last = size + 1;
    } else if ("*+?".includes(expression[i]!)) {
      group.size++;
      group.last++;
    } else {
      if (expression[i] === "\\") i++;
      group.size++;
      group.last = 1;
    }
  }
  return open.reduce((sum, { size }) => sum + size, 0);
}

const REPETITION = /^\{(\d+)(?:,(\d*))?\}/;
/** Length of the longest repetition; RE2 allows up to 1000 repetitions. */
const MAX_REPETITION_LENGTH = 12;

/**
 * Compiles an expression. `loadRegexEngine` must have been called.
 *
 * @throws {ApiError} INVALID_REGULAR_EXPRESSION if the expression is invalid or too expensive.
 */
export function compileTopicRegex(expression: string): TopicMatcher {
  if (engine === undefined) {
    throw new Error("Cannot compile a regular expression: loadRegexEngine() has not resolved");
  }
  const { RE2JS } = engine;
  const size = expandedSize(expression);
  if (expression.length > MAX_LENGTH || size > Math.max(expression.length, MAX_EXPANDED)) {
    throw new ApiError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      `Cannot subscribe by a regular expression of ${expression.length} characters, or ` +
        `${size} with its repetitions expanded: the limits are ${MAX_LENGTH} and ${MAX_EXPANDED}`,
    );
  }
  try {
    const compiled = RE2JS.compile(expression);
    return (topic) => compiled.matches(topic);
  } catch (error) {
    throw new ApiError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      `Cannot subscribe to "${expression}": ${(error as Error).message}`,
      { cause: error },
    );
  }
}
