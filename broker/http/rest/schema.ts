/**
 * Schemas of bodies, as OpenAPI writes them.
 *
 * @module
 */

/** The type of a value in a document, as OpenAPI writes it. */
export type Schema = Readonly<Record<string, unknown>>;

/** Schemas that are used in several routes. */
export const STRING: Schema = { type: "string" };
export const INTEGER: Schema = { type: "integer" };
export const BOOLEAN: Schema = { type: "boolean" };

/** The schema of an object. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: "object", properties, ...(required.length === 0 ? {} : { required }) };
}

/** The schema of a list. */
export function list(items: Schema): Schema {
  return { type: "array", items };
}
