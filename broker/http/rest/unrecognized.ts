/**
 * Fields that a body has and its schema has not. Taken for nothing, a misspelled one would do harm.
 *
 * @module
 */

import { HttpError } from "../http_error.ts";
import type { Schema } from "./schema.ts";

/**
 * Refuses fields that a schema has not. An object whose schema names no fields may have any.
 *
 * @param status Of the error. Default: 422, as in Confluent's REST API.
 * @throws {HttpError} If there is one.
 */
export function ensureRecognized(value: unknown, schema: Schema, status = 422): void {
  const name = unrecognizedIn(value, schema);
  if (name !== undefined) throw new HttpError(status, `Unrecognized field: ${name}`);
}

/** The first field that the schema has not; values of another type are for others to refuse. */
function unrecognizedIn(value: unknown, schema: Schema): string | undefined {
  if (Array.isArray(value)) {
    const items = schema.items as Schema | undefined;
    if (items === undefined) return undefined;
    for (const item of value) {
      const found = unrecognizedIn(item, items);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
  if (Object.keys(properties).length === 0) return undefined;
  for (const [name, each] of Object.entries(value)) {
    if (!Object.hasOwn(properties, name)) return name;
    const found = unrecognizedIn(each, properties[name]!);
    if (found !== undefined) return `${name}.${found}`;
  }
  return undefined;
}
