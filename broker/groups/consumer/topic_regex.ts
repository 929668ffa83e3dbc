/**
 * Subscriptions by regular expression, in RE2's syntax, which is what clients send.
 *
 * The expressions come from outside and run over all topics, so they are matched by an engine whose
 * time grows with the text's length alone, whatever the expression: JavaScript's own can be made to
 * hang. It is the port of the one that Kafka uses, and is loaded when first needed.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";

type Engine = typeof import("npm:re2js@2.10.0");

let engine: Engine | undefined;

/** Whether expressions can be compiled. */
export function isRegexEngineLoaded(): boolean {
  return engine !== undefined;
}

/** Makes sure that expressions can be compiled. */
export async function loadRegexEngine(): Promise<void> {
  // deno-lint-ignore no-import-prefix
  engine ??= await import("npm:re2js@2.10.0");
}

/** Whether a whole topic name matches. */
export type TopicMatcher = (topic: string) => boolean;

/** The longest expression, in characters. */
const MAX_LENGTH = 4000;
/** Characters that a shorter one may come to once its repetitions are written out. */
const MAX_EXPANDED = 1000;

/**
 * Characters of an expression with all that is repeated written out, which is what its time and memory
 * grow with. Counts too much rather than too little, and anything of what is no expression.
 */
export function expandedSize(expression: string): number {
  /** Sizes of the open groups, innermost last, and of the last thing in each. */
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
/** RE2 repeats up to a thousand times. */
const MAX_REPETITION_LENGTH = 12;

/**
 * Compiles an expression, which must be after `loadRegexEngine`.
 *
 * @throws {ApiError} INVALID_REGULAR_EXPRESSION if it is none.
 */
export function compileTopicRegex(expression: string): TopicMatcher {
  const { RE2JS } = engine!;
  const size = expandedSize(expression);
  if (expression.length > MAX_LENGTH || size > Math.max(expression.length, MAX_EXPANDED)) {
    throw new ApiError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      `Cannot subscribe by a regular expression of ${expression.length} characters which repeats them ` +
        `${size} times: the limits are ${MAX_LENGTH} and ${MAX_EXPANDED}`,
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
