/**
 * Reports errors to the user, with a hint if there is one.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import type { Output } from "../terminal/output.ts";

const MAX_CAUSES = 5;
/** Deno's error for a missing permission; the flag alone would grant more than necessary. */
const MISSING_PERMISSION =
  /(Requires (\w+) access to "([^"]*)", run again with) the (--allow-\w+) flag/gi;

/** Prints an error, its causes unless they repeat it, and a hint if there is one. */
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

/** The SDK's advice is for programs; where a flag helps, the advice names the flag. */
function hintOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("advice" in error) || !("code" in error)) return undefined;
  switch (error.code) {
    case "TIMEOUT":
      if (isConnectionError(error.cause)) return hintOf(error.cause);
      return "Raise --timeout, or check the broker's log";
    case "CERTIFICATE":
    case "SASL_AUTHENTICATION_FAILED":
    case "UNSUPPORTED_SASL_MECHANISM":
    case "ILLEGAL_SASL_STATE":
      return withFlags(String(error.advice));
    case "CONNECTION":
      if ("retriable" in error && !error.retriable) return withFlags(String(error.advice));
      return 'Check --brokers, and that a broker is running there ("dqueue serve")';
    case "PRODUCER_FENCED":
      return "Use a --transactional-id that no other program uses";
    case "TRANSACTION_OUTCOME_UNKNOWN":
      return 'Read the topic with "dqueue consume --isolation read_committed" to find out';
    case "TRANSACTION_ABORTABLE":
    case "USAGE":
    case "SERIALIZATION":
      return undefined;
    default:
      // The broker's own message is more specific, and contains the code.
      return error.message.includes(`(${error.code})`) ? undefined : String(error.advice);
  }
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "CONNECTION";
}

/** Options of the SDK that have a flag. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ["tls", "--tls"],
  ["tls.ca", "--tls-ca"],
  ["tls.cert", "--tls-cert"],
  ["tls.key", "--tls-key"],
  ["tls.serverName", "--tls-server-name"],
  ["sasl", "--user"],
  ["sasl.mechanism", "--sasl-mechanism"],
  ["sasl.username", "--user"],
  ["sasl.password", "--password-file"],
  ["sasl.token", "--token-file"],
]);

/** The advice with flags instead of the options of the SDK. */
function withFlags(advice: string): string {
  return advice.replace(/\b(tls|sasl)(\.\w+)?\b/g, (option) => FLAGS.get(option) ?? option);
}
