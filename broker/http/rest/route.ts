/**
 * Routes as data: the router and the OpenAPI document are made from them.
 *
 * @module
 */

import type { Call } from "./call.ts";

/** Methods of routes. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The type of a value in a document, as OpenAPI writes it. */
export type Schema = Readonly<Record<string, unknown>>;

/** A route. */
export interface Route {
  readonly method: Method;
  /** The path, with `:name` for a parameter: `/v3/clusters/:cluster`. */
  readonly path: string;
  /** Purpose in a few words. */
  readonly summary: string;
  /** Heading in the document. */
  readonly tag: string;
  /** Parameters of the query, with what they mean. */
  readonly query?: Readonly<Record<string, string>>;
  /** The body of the request, if it has one. */
  readonly body?: Schema;
  /** The status of success. Default: 200. */
  readonly status?: number;
  /** The body of the answer. Default: any object. */
  readonly answer?: Schema;
  /** Media type of body and answer. Default: JSON. */
  readonly mediaType?: string;
  /** Whether it changes something. Default: every method but GET. */
  readonly isWrite?: boolean;
  /** Whether no other REST API of Kafka has it. Default: false. */
  readonly isExtension?: boolean;
  /** Whether it shows what this broker knows of the cluster, which needs DESCRIBE of it. Default: false. */
  readonly showsCluster?: boolean;
  readonly handle: (call: Call) => Promise<Response> | Response;
}

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
