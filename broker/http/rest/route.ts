/**
 * Routes as data: the router and the OpenAPI document are made from them.
 *
 * @module
 */

import type { Call } from "./call.ts";
import type { Schema } from "./schema.ts";

export { BOOLEAN, INTEGER, list, object, type Schema, STRING } from "./schema.ts";

/** Methods of routes. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

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
  /** Whether the body may be left out. Default: false. */
  readonly isBodyOptional?: boolean;
  /** The status of success. Default: 200. */
  readonly status?: number;
  /** The body of the answer. Default: any object. */
  readonly answer?: Schema;
  /** Media type of body and answer. Default: JSON. */
  readonly mediaType?: string;
  /** Whether HEAD is answered, as GET without a body. Default: true for GET. */
  readonly hasHead?: boolean;
  /** Whether it changes something. Default: every method but GET. */
  readonly isWrite?: boolean;
  /** Whether no other REST API of Kafka has it. Default: false. */
  readonly isExtension?: boolean;
  /** Whether it shows what this broker knows of the cluster, which needs DESCRIBE of it. Default: false. */
  readonly showsCluster?: boolean;
  readonly handle: (call: Call) => Promise<Response> | Response;
}
