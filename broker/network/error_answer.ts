/**
 * The answer to a request that failed as a whole, in the form that its API has for errors.
 *
 * Where the response has an error code of its own, that has it and the lists are empty. Where each item
 * has one, every item of the request is answered with it. So it works for every API there is, from the
 * declarations alone.
 *
 * @module
 */

import type { Api, Field, Fields, ResponseTo } from "../../protocol/schema/schema.ts";
import { inRange } from "../../protocol/schema/version_range.ts";
import { utf8Size } from "../../protocol/primitives/writer.ts";

/** An error as it is answered. */
export interface AnsweredError {
  readonly errorCode: number;
  readonly errorMessage: string;
}

type Item = Readonly<Record<string, unknown>>;

/** Items between two steps, for a request may have very many. */
const ITEMS_PER_STEP = 64;
const MAX_STRING_BYTES = 0x7fff;
/** UTF-8 takes at most so many bytes for a unit of a string. */
const BYTES_PER_UNIT = 3;

const ERROR_CODES: readonly string[] = ["errorCode", "partitionErrorCode"];
const ERROR_MESSAGE = "errorMessage";

/** What responses call differently from requests. */
const NAMES_IN_REQUESTS: Readonly<Record<string, string>> = {
  partitionIndex: "partition",
  user: "name",
};

/**
 * Makes the answer, in steps.
 *
 * @param request What was asked; `undefined` if that is not known.
 */
export function* errorAnswer<A extends Api>(
  api: A,
  apiVersion: number,
  request: object | undefined,
  error: AnsweredError,
): Generator<void, ResponseTo<A>> {
  const answer = yield* structOf(api.response.fields, apiVersion, request as Item ?? {}, error);
  return answer as ResponseTo<A>;
}

function* structOf(
  fields: Fields,
  version: number,
  asked: unknown,
  error: AnsweredError,
): Generator<void, Record<string, unknown>> {
  const struct: Record<string, unknown> = {};
  const hasCode = hasErrorCode(fields, version);
  // An item that is nothing but a text or number names itself in the first field that can hold it.
  const nameField = typeof asked === "object" ? undefined : namingField(fields, version, asked);
  for (const [name, field] of Object.entries(fields)) {
    if (!inRange(version, field.versions)) continue;
    const items = hasCode ? undefined : itemFields(field, version);
    struct[name] = items === undefined
      ? valueOf(name, field, version, (nameField ?? name) === name ? asked : undefined, error)
      : yield* itemsOf(items, version, listIn(asked, name), error);
  }
  return struct;
}

function* itemsOf(
  fields: Fields,
  version: number,
  asked: readonly unknown[],
  error: AnsweredError,
): Generator<void, unknown[]> {
  if (!canAnswer(fields, version, asked[0])) return [];
  const items: unknown[] = [];
  for (const item of asked) {
    items.push(yield* structOf(fields, version, item, error));
    if (items.length % ITEMS_PER_STEP === 0) yield;
  }
  return items;
}

/** The fields of a list's items, if those, or items of theirs, have an error code. */
function itemFields({ type, element }: Field, version: number): Fields | undefined {
  const fields = type === "array" ? element!.fields : undefined;
  if (fields === undefined) return undefined;
  const hasCodes = hasErrorCode(fields, version) ||
    Object.values(fields).some((field) => itemFields(field, version) !== undefined);
  return hasCodes ? fields : undefined;
}

function hasErrorCode(fields: Fields, version: number): boolean {
  return ERROR_CODES.some((name) => name in fields && inRange(version, fields[name]!.versions));
}

/** The list of a request, or of an item of it, that a list of the response answers. */
function listIn(asked: unknown, name: string): readonly unknown[] {
  if (typeof asked !== "object" || asked === null) return [];
  const same = (asked as Item)[name];
  if (Array.isArray(same) && same.length > 0) return same;
  const lists = Object.values(asked).filter((value) => Array.isArray(value));
  return lists.find((list) => list.length > 0) ?? [];
}

/** Whether an item of the response is about an item of the request, and not about something else. */
function canAnswer(fields: Fields, version: number, asked: unknown): boolean {
  const isOther = ([name, { type, hasDefault, versions }]: [string, Field]) =>
    inRange(version, versions) && !hasDefault && !isOfError(name) && type !== "array";
  return !Object.entries(fields).some(isOther) ||
    namingField(fields, version, asked) !== undefined;
}

/** The first field by which an item of the response says which item of the request it answers. */
function namingField(fields: Fields, version: number, asked: unknown): string | undefined {
  const found = Object.entries(fields).find(([name, field]) =>
    inRange(version, field.versions) && namedIn(name, field, asked) !== undefined
  );
  return found?.[0];
}

/** What an item of a request says for a field that names it in the response. */
function namedIn(name: string, { type }: Field, asked: unknown): unknown {
  if (typeof asked === "string") return type === "string" && !isOfError(name) ? asked : undefined;
  if (typeof asked === "number") return type === "int32" && !isOfError(name) ? asked : undefined;
  if (typeof asked !== "object" || asked === null || type === "array" || type === "struct") {
    return undefined;
  }
  return (asked as Item)[name] ?? (asked as Item)[NAMES_IN_REQUESTS[name] ?? ""];
}

function isOfError(name: string): boolean {
  return name === ERROR_MESSAGE || ERROR_CODES.includes(name);
}

function valueOf(
  name: string,
  field: Field,
  version: number,
  asked: unknown,
  error: AnsweredError,
): unknown {
  if (ERROR_CODES.includes(name)) return error.errorCode;
  if (name === ERROR_MESSAGE) return error.errorMessage;
  const named = namedIn(name, field, asked);
  if (named !== undefined && typeof named === typeof neutralValue(field, version, true)) {
    return typeof named === "string" && field.type === "string" ? fitting(named) : named;
  }
  return neutralValue(field, version);
}

function neutralValue(field: Field, version: number, isShown = false): unknown {
  if (!isShown) {
    if (field.hasDefault) return field.default;
    if (inRange(version, field.nullable)) return null;
  }
  switch (field.type) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return field.default;
    case "array":
      return [];
    case "bytes":
    case "records":
      return new Uint8Array(0);
    case "int64":
      return -1;
    case "struct":
      return Object.fromEntries(
        Object.entries(field.fields!)
          .filter(([, inner]) => inRange(version, inner.versions))
          .map(([name, inner]) => [name, neutralValue(inner, version)]),
      );
    default:
      return 0;
  }
}

/** A text, cut to what a string can carry: bytes that are no UTF-8 take more when they are sent back. */
function fitting(text: string): string {
  if (utf8Size(text) <= MAX_STRING_BYTES) return text;
  return text.slice(0, Math.floor(MAX_STRING_BYTES / BYTES_PER_UNIT));
}
