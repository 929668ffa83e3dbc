/**
 * Tells the user what went wrong, and what can be done about it.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import type { Output } from "../terminal/output.ts";

const MAX_CAUSES = 5;
/** How Deno says that it lacks a permission; the flag alone would grant more than is needed. */
const MISSING_PERMISSION =
  /(Requires (\w+) access to "([^"]*)", run again with) the (--allow-\w+) flag/gi;

/** Prints what went wrong with its causes, as far as they say anything new, and a hint if there is one. */
export function printFailure(output: Output, error: unknown): void {
  if (error instanceof AggregateError && error.errors.length > 0) {
    for (const each of error.errors) printFailure(output, each);
    return;
  }
  const message = fullMessageOf(error);
  output.line(`${output.style.red("Error:")} ${message}`);
  const hint = hintOf(error);
  if (hint !== undefined && !message.includes(hint)) output.line(output.style.dim(hint));
}

function fullMessageOf(error: unknown): string {
  let message = messageOf(error);
  let cause = error instanceof Error ? error.cause : undefined;
  for (let i = 0; i < MAX_CAUSES && cause instanceof Error; i++) {
    if (!message.toLowerCase().includes(cause.message.toLowerCase())) {
      message += `: ${cause.message}`;
    }
    cause = cause.cause;
  }
  return message.replace(MISSING_PERMISSION, "$1 $4=$3");
}

/** The SDK's advice is for programs; where there is a flag to use, it is put in the user's words. */
function hintOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("advice" in error) || !("code" in error)) return undefined;
  switch (error.code) {
    case "TIMEOUT":
      if (isConnectionError(error.cause)) return hintOf(error.cause);
      return "Allow more time with --timeout, or look into the broker's log";
    case "CONNECTION":
      return 'Check --brokers, and that a broker runs there ("dqueue serve")';
    case "USAGE":
    case "SERIALIZATION":
      return undefined;
    default:
      // Behind the broker's own words, which say it better, stands the code.
      return error.message.includes(`(${error.code})`) ? undefined : String(error.advice);
  }
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "CONNECTION";
}
