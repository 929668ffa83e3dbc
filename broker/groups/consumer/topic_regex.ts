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

/**
 * Compiles an expression, which must be after `loadRegexEngine`.
 *
 * @throws {ApiError} INVALID_REGULAR_EXPRESSION if it is none.
 */
export function compileTopicRegex(expression: string): TopicMatcher {
  const { RE2JS } = engine!;
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
