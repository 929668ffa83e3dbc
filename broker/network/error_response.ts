/**
 * Builds the error response to a request that failed as a whole, in the form its API uses for
 * errors.
 *
 * If the response has a top-level error code, that is set and the lists are empty. If each item has
 * one, every item of the request is answered with it. This is derived from the message declarations
 * and works for every API.
 *
 * @module
 */

import type { Api, Field, Fields, ResponseTo } from "../../protocol/schema/schema.ts";
import { inRange } from "../../protocol/schema/version_range.ts";
import { utf8Size } from "../../protocol/primitives/writer.ts";

/** An error code and message for a response. */
export interface ResponseError {
  readonly errorCode: number;
  readonly errorMessage: string;
}

type Item = Readonly<Record<string, unknown>>;

/** Items per step, because a request may have very many. */
const ITEMS_PER_STEP = 64;
const MAX_STRING_BYTES = 0x7fff;
/** Maximum UTF-8 bytes per UTF-16 code unit. */
const BYTES_PER_UNIT = 3;

const ERROR_CODES: readonly string[] = ["errorCode", "partitionErrorCode"];
const ERROR_MESSAGE = "errorMessage";

/** Response fields whose counterpart in the request has another name. */
const NAMES_IN_REQUESTS: Readonly<Record<string, string>> = {
  partitionIndex: "partition",
  user: "name",
};

/**
 * Builds the response in steps.
 *
 * @param request The request, or `undefined` if it was not decoded.
 */
export function* errorResponse<A extends Api>(
  api: A,
  apiVersion: number,
  request: object | undefined,
  error: ResponseError,
): Generator<void, ResponseTo<A>> {
  const answer = yield* structOf(api.response.fields, apiVersion, request as Item ?? {}, error);
  return answer as ResponseTo<A>;
}

function* structOf(
  fields: Fields,
  version: number,
  asked: unknown,
  error: ResponseError,
  isItem = false,
): Generator<void, Record<string, unknown>> {
  const struct: Record<string, unknown> = {};
  const hasCode = hasErrorCode(fields, version);
  // An item that is a plain string or number goes into the first field that can hold it.
  const nameField = typeof asked === "object" ? undefined : namingField(fields, version, asked);
  for (const [name, field] of Object.entries(fields)) {
    if (!inRange(version, field.versions)) continue;
    const items = hasCode ? undefined : itemFields(field, version);
    if (items !== undefined) {
      struct[name] = yield* itemsOf(items, version, listsIn(asked, name), error);
    } else if (isItem && isRepeated(field, version, asked, name)) {
      struct[name] = yield* repeated(field, version, (asked as Item)[name] as readonly Item[]);
    } else {
      // A failed request as a whole has no member, producer or the like.
      const named = isItem && (nameField ?? name) === name ? asked : undefined;
      struct[name] = valueOf(name, field, version, named, error);
    }
  }
  return struct;
}

function* itemsOf(
  fields: Fields,
  version: number,
  asked: readonly (readonly unknown[])[],
  error: ResponseError,
): Generator<void, unknown[]> {
  const items: unknown[] = [];
  for (const list of asked) {
    if (!canAnswer(fields, version, list[0])) continue;
    for (const item of list) {
      items.push(yield* structOf(fields, version, item, error, true));
      if (items.length % ITEMS_PER_STEP === 0) yield;
    }
  }
  return items;
}

/** Whether a list is part of what an item is called, such as the entity of a quota. */
function isRepeated({ type, element }: Field, version: number, asked: unknown, name: string) {
  const list = type === "array" && asked !== null ? (asked as Item)[name] : undefined;
  const fields = element?.fields;
  if (!Array.isArray(list) || fields === undefined) return false;
  const [first] = list;
  return typeof first === "object" && first !== null &&
    Object.entries(fields).every(([inner, of]) =>
      !inRange(version, of.versions) || of.type === "string" && inner in first
    );
}

function* repeated(
  { element }: Field,
  version: number,
  asked: readonly Item[],
): Generator<void, Item[]> {
  const names = Object.entries(element!.fields!)
    .filter(([, { versions }]) => inRange(version, versions)).map(([name]) => name);
  const items: Item[] = [];
  for (const item of asked) {
    items.push(Object.fromEntries(names.map((name) => {
      const text = item[name];
      return [name, typeof text === "string" ? fitting(text) : text];
    })));
    if (items.length % ITEMS_PER_STEP === 0) yield;
  }
  return items;
}

/** The fields of a list's items, if the items or their nested items have an error code. */
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

/** The lists in the request, or in one of its items, that correspond to a list of the response. */
function listsIn(asked: unknown, name: string): readonly (readonly unknown[])[] {
  if (typeof asked !== "object" || asked === null) return [];
  const same = (asked as Item)[name];
  if (Array.isArray(same) && same.length > 0) return [same];
  return Object.values(asked).filter((value) => Array.isArray(value) && value.length > 0);
}

/** Whether a response item describes this request item and not something else. */
function canAnswer(fields: Fields, version: number, asked: unknown): boolean {
  const isOther = ([name, { type, hasDefault, versions }]: [string, Field]) =>
    inRange(version, versions) && !hasDefault && !isOfError(name) && type !== "array";
  return !Object.entries(fields).some(isOther) ||
    namingField(fields, version, asked) !== undefined;
}

/** The first field that identifies the request item in a response item. */
function namingField(fields: Fields, version: number, asked: unknown): string | undefined {
  const found = Object.entries(fields).find(([name, field]) =>
    inRange(version, field.versions) && namedIn(name, field, asked) !== undefined
  );
  return found?.[0];
}

/** The value of an identifying field, taken from the request item. */
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
  error: ResponseError,
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

/**
 * Cuts a string to the longest that can be encoded: bytes that are not valid UTF-8 grow when
 * encoded again.
 */
function fitting(text: string): string {
  if (utf8Size(text) <= MAX_STRING_BYTES) return text;
  return text.slice(0, Math.floor(MAX_STRING_BYTES / BYTES_PER_UNIT));
}
