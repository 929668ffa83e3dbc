/**
 * The OpenAPI document, made from the routes.
 *
 * @module
 */

import type { Route, Schema } from "./route.ts";

const ERROR: Schema = {
  type: "object",
  properties: { error_code: { type: "integer" }, message: { type: "string" } },
  required: ["error_code", "message"],
};

/** The route that serves the document of `routes`, which it belongs to. */
export function openApiRoute(routes: readonly Route[]): Route {
  return {
    method: "GET",
    path: "/openapi.json",
    tag: "About",
    summary: "This document",
    isExtension: true,
    handle: () => Response.json(openApi(routes)),
  };
}

/** The document of some routes, in OpenAPI 3.1. */
export function openApi(routes: readonly Route[]): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/\/:(\w+)/g, "/{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Deno Queue",
      version: "1",
      description: "Kafka over HTTP, with the paths and error codes of Confluent's REST API.",
    },
    paths,
    components: { schemas: { Error: ERROR } },
  };
}

function operation(route: Route): Schema {
  const { summary, tag, path, query = {}, body, status = 200, answer } = route;
  const { mediaType = "application/json", isExtension = false } = route;
  const inPath = Array.from(path.matchAll(/\/:(\w+)/g), ([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    name,
    in: "query",
    description,
    schema: { type: "string" },
  }));
  const content = (schema: Schema, type = mediaType) => ({ content: { [type]: { schema } } });
  return {
    summary,
    tags: [tag],
    operationId: operationIdOf(route),
    parameters: [...inPath, ...inQuery],
    ...(body === undefined
      ? {}
      : { requestBody: { required: route.isBodyOptional !== true, ...content(body) } }),
    responses: {
      [status]: {
        description: status === 204 ? "Done" : "The result",
        ...(status === 204 ? {} : content(answer ?? { type: "object" })),
      },
      default: {
        description: "An error",
        ...content({ $ref: "#/components/schemas/Error" }, "application/json"),
      },
    },
    ...(isExtension ? { "x-dqueue": true } : {}),
  };
}

function operationIdOf({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return [method.toLowerCase(), ...words].join("_");
}
