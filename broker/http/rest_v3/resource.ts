/**
 * Resources and lists in the form of Confluent's REST API, version 3.
 *
 * @module
 */

import { TimeSlice } from "../../../storage/time_slice.ts";
import { HttpError } from "../http_error.ts";
import type { Call } from "../rest/call.ts";
import type { Schema } from "../rest/route.ts";

/** A resource, or a part of one. */
export type Json = Readonly<Record<string, unknown>>;

/** Most items of a list that are made into text at once. */
const SLICE_ITEMS = 200;

/** The place of a resource below its cluster: `["topic", "topics", "orders"]`. */
type Step = readonly [name: string, collection: string, id: string | number];

/** Makes the links of answers to one request. */
export class Resources {
  /** The URL of the cluster's resource. */
  readonly #url: string;
  readonly #origin: string;
  readonly clusterId: string;

  /** @throws {HttpError} 404 if the request is for another cluster. */
  constructor({ url, context: { broker: { cluster } } }: Call, asked?: string) {
    const { clusterId } = cluster;
    if (asked !== undefined && asked !== clusterId) {
      throw new HttpError(404, `This is cluster ${clusterId}, not ${asked}`);
    }
    this.clusterId = clusterId;
    const prefix = url.pathname.startsWith("/kafka/") ? "/kafka/v3" : "/v3";
    this.#origin = `${url.origin}${prefix}`;
    this.#url = `${this.#origin}/clusters/${clusterId}`;
  }

  /** The URL of the list of clusters. */
  get clustersUrl(): string {
    return `${this.#origin}/clusters`;
  }

  /** A URL below the cluster. */
  url(...segments: readonly (string | number)[]): string {
    return [this.#url, ...segments.map((segment) => encodeURIComponent(segment))].join("/");
  }

  /** A link to a URL below the cluster. */
  link(...segments: readonly (string | number)[]): { related: string } {
    return { related: this.url(...segments) };
  }

  /** A resource of the cluster. */
  resource(kind: string, steps: readonly Step[], fields: Json): Json {
    return {
      kind,
      metadata: {
        self: this.url(...steps.flatMap(([, collection, id]) => [collection, id])),
        resource_name: [
          `crn:///kafka=${this.clusterId}`,
          ...steps.map(([name, , id]) => `${name}=${id}`),
        ].join("/"),
      },
      cluster_id: this.clusterId,
      ...fields,
    };
  }

  /** A list of resources, at `segments` below the cluster. */
  list(kind: string, segments: readonly (string | number)[], data: readonly Json[]): Response {
    return listResponse(kind, this.url(...segments), data);
  }
}

/** The links and names for a call whose path has the cluster's id. */
export function resourcesOf(call: Call): Resources {
  return new Resources(call, call.param("cluster"));
}

/** A list of resources. A long one is made in slices, while the client takes it. */
export function listResponse(kind: string, self: string, data: readonly Json[]): Response {
  const list = { kind, metadata: { self, next: null } };
  if (data.length <= SLICE_ITEMS) return Response.json({ ...list, data });
  const head = JSON.stringify({ ...list, data: [] }).slice(0, -"]}".length);
  const parts = textOf(head, data);
  const body = new ReadableStream<string>({
    async pull(controller) {
      await new TimeSlice().pause();
      const { value, done } = parts.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 1 });
  return new Response(body.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "application/json", "cache-control": "no-store, no-transform" },
  });
}

function* textOf(head: string, data: readonly Json[]): Generator<string, void> {
  for (let at = 0; at < data.length; at += SLICE_ITEMS) {
    const items = data.slice(at, at + SLICE_ITEMS).map((item) => JSON.stringify(item)).join(",");
    yield `${at === 0 ? head : ","}${items}`;
  }
  yield "]}";
}

/** An answer without a body. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}

/** The schema of a list. */
export const LIST: Schema = {
  type: "object",
  properties: {
    kind: { type: "string" },
    metadata: { type: "object" },
    data: { type: "array", items: { type: "object" } },
  },
};
