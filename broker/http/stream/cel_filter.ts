/**
 * Filters in the Common Expression Language: `value.total > 100 && key.startsWith("a")`.
 *
 * What one evaluation may cost is bounded: expressions are small, macros over lists are not nested, there
 * are no regular expressions (the library's are JavaScript's, which may not end), and larger values than
 * 128 KiB do not match.
 *
 * @module
 */

import type { Message } from "../../../client/mod.ts";
import { badRequest } from "../rest/fields.ts";

const MAX_LENGTH = 2048;
const MAX_VALUE_BYTES = 128 * 1024;
const LIMITS = {
  maxAstNodes: 200,
  maxDepth: 16,
  maxListElements: 64,
  maxMapEntries: 16,
  maxCallArguments: 8,
};
/** What goes over every element of a list or map. */
const MACROS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "filter", "map"]);
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whether a record fulfils a condition. */
export type Predicate = (message: Message) => boolean;

/** A part of an expression. */
interface Node {
  readonly op: string;
  readonly args: unknown;
}

/**
 * Compiles an expression. Its variables are `key`, `value` (the JSON of the value, or null), `text` (the
 * value as text), `headers`, `partition`, `offset`, `timestamp` and `size`. A record that has not a field
 * that the expression needs does not match.
 *
 * @param onSkipped Called for each record that does not match because it lacks a field, or is too large.
 * @throws {HttpError} 400 if the expression is invalid, or may cost too much.
 */
export async function compileCel(
  text: string,
  onSkipped: () => void = () => {},
): Promise<Predicate> {
  if (text.length > MAX_LENGTH) {
    throw badRequest(`"filter" is longer than ${MAX_LENGTH} characters`);
  }
  // deno-lint-ignore no-import-prefix -- works without an import map
  const { Environment } = await import("npm:@marcbachmann/cel-js@8.0.0");
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  });
  environment.registerVariable("key", "string")
    .registerVariable("value", "dyn")
    .registerVariable("text", "string")
    .registerVariable("headers", "map<string, string>");
  for (const name of ["partition", "offset", "timestamp", "size"]) {
    environment.registerVariable(name, "int");
  }
  let evaluate: (context: Record<string, unknown>) => unknown;
  try {
    const parsed = environment.parse(text);
    checkCost(parsed.ast as Node, false);
    const { valid, type, error } = parsed.check() as {
      valid: boolean;
      type?: unknown;
      error?: Error;
    };
    if (!valid) throw error ?? new Error("it is invalid");
    if (String(type) !== "bool" && String(type) !== "dyn") {
      throw new Error(`it is ${String(type)}, and must be true or false`);
    }
    evaluate = parsed as unknown as typeof evaluate;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw badRequest(`"filter" is not possible: ${message}`);
  }
  const uses = (name: string) => new RegExp(`\\b${name}\\b`).test(text);
  const needsValue = uses("value");
  const needsText = uses("text");
  // Beyond 2^53 a number is compared with all its digits.
  const isExact = /\d{16,}/.test(text);
  return (message) => {
    if (message.valueSize > MAX_VALUE_BYTES && (needsValue || needsText)) {
      onSkipped();
      return false;
    }
    const valueText = needsValue || needsText ? textOf(message.value) : "";
    try {
      return evaluate({
        key: textOf(message.key),
        value: needsValue ? jsonOf(valueText, isExact) : null,
        text: valueText,
        headers: headersOf(message),
        partition: BigInt(message.partition),
        offset: BigInt(message.offset),
        timestamp: BigInt(message.timestamp),
        size: BigInt(Math.max(0, message.valueSize)),
      }) === true;
    } catch {
      // It has no such field, or one of another type.
      onSkipped();
      return false;
    }
  };
}

/** @throws {Error} If an evaluation may take long. */
function checkCost({ op, args }: Node, isInMacro: boolean): void {
  const name = op === "rcall" || op === "call" ? (args as [string])[0] : undefined;
  if (name === "matches") {
    throw new Error("matches() is not; contains(), startsWith() and endsWith() are");
  }
  const isMacro = name !== undefined && op === "rcall" && MACROS.has(name);
  if (isMacro && isInMacro) throw new Error(`${name}() within another such call is not`);
  for (const arg of [args].flat(3)) {
    if (isNode(arg)) checkCost(arg, isInMacro || isMacro);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? "" : DECODER.decode(bytes);
}

function jsonOf(text: string, isExact: boolean): unknown {
  try {
    return isExact ? JSON.parse(text, exactNumber) : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whole numbers that a number would round, as bigints. */
function exactNumber(_name: string, value: unknown, context?: { source?: string }): unknown {
  const isRounded = typeof value === "number" && !Number.isSafeInteger(value) &&
    context?.source !== undefined && /^-?\d+$/.test(context.source);
  return isRounded ? BigInt(context.source!) : value;
}

function headersOf(message: Message): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, bytes] of message.headers) headers[name] = textOf(bytes);
  return headers;
}
