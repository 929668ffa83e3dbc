/**
 * Which records a stream has.
 *
 * @module
 */

import type { Message } from "../../../client/mod.ts";
import { badRequest } from "../rest/fields.ts";
import { compileCel, type Predicate } from "./cel_filter.ts";

/** A condition on a record. */
export type Condition =
  | { readonly type: "key"; readonly key: string }
  | { readonly type: "header"; readonly name: string; readonly value: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "filter"; readonly expression: string };

const MAX_LENGTH = 4096;
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads the conditions of a query.
 *
 * @throws {HttpError} 400 if one is invalid.
 */
export function conditionsOf(query: URLSearchParams): Condition[] {
  const conditions: Condition[] = [];
  const key = query.get("key");
  if (key !== null) conditions.push({ type: "key", key });
  for (const header of query.getAll("header")) {
    const colon = header.indexOf(":");
    if (colon < 1) throw badRequest(`"header" is NAME:VALUE, not "${header}"`);
    conditions.push({
      type: "header",
      name: header.slice(0, colon),
      value: header.slice(colon + 1),
    });
  }
  const text = query.get("text");
  if (text !== null) conditions.push({ type: "text", text });
  const expression = query.get("filter");
  if (expression !== null) conditions.push({ type: "filter", expression });
  if (JSON.stringify(conditions).length > MAX_LENGTH) {
    throw badRequest(`The conditions are longer than ${MAX_LENGTH} characters`);
  }
  return conditions;
}

/**
 * Makes a function of conditions, which says whether a record fulfils all of them.
 *
 * @param onSkipped Called for each record that an expression could not be evaluated for.
 * @throws {HttpError} 400 if an expression is invalid.
 */
export async function compileConditions(
  conditions: readonly Condition[],
  onSkipped: () => void = () => {},
): Promise<Predicate> {
  const predicates = await Promise.all(conditions.map((one) => compile(one, onSkipped)));
  return (message) => predicates.every((isFulfilled) => isFulfilled(message));
}

function compile(condition: Condition, onSkipped: () => void): Predicate | Promise<Predicate> {
  switch (condition.type) {
    case "key":
      return ({ key }) => key !== null && DECODER.decode(key) === condition.key;
    case "header":
      return (message) => hasHeader(message, condition.name, condition.value);
    case "text":
      return ({ key, value }) => includes(value, condition.text) || includes(key, condition.text);
    case "filter":
      return compileCel(condition.expression, onSkipped);
  }
}

function hasHeader(message: Message, name: string, value: string): boolean {
  for (const [key, bytes] of message.headers) {
    if (key === name && bytes !== null && DECODER.decode(bytes) === value) return true;
  }
  return false;
}

function includes(bytes: Uint8Array | null, text: string): boolean {
  return bytes !== null && DECODER.decode(bytes).includes(text);
}
