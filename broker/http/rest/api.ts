/**
 * The REST API: its routes, and the router that finds one for a request.
 *
 * It is loaded with the first request for anything but health and metrics.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- works without an import map
import { Hono } from "npm:hono@4.13.19";
import type { Admin, TracingApi } from "../../../client/mod.ts";
import type { BrokerParts } from "../../broker.ts";
import type { ClusterEvents } from "../events/cluster_events.ts";
import type { Health } from "../health.ts";
import type { HttpDirectory } from "../http_directory.ts";
import type { HttpCounters } from "../http_counters.ts";
import type { History } from "../metrics/history/history.ts";
import type { RequestSource } from "../request_source.ts";
import { methodNotAllowed, notFound } from "../http_error.ts";
import { ConsumerInstances, V2_ROUTES } from "../rest_v2/mod.ts";
import { V3_ROUTES } from "../rest_v3/mod.ts";
import { STREAM_ROUTES, Streams } from "../stream/mod.ts";
import { EMBEDDED_SESSION, type Session } from "../../security/session.ts";
import { drain } from "./body.ts";
import { Call, type RestContext, type UserSessions } from "./call.ts";
import { openLocalClient } from "./local_client.ts";
import { openApiRoute } from "./openapi.ts";
import { problemOf } from "./problem.ts";
import type { Route } from "./route.ts";
import { openShared, placesOf, type Shared } from "./shared.ts";
import { ensureShown, writesAreOff } from "./topics.ts";

export { openShared };

/** All routes. */
export const ROUTES: readonly Route[] = withOpenApi([...V3_ROUTES, ...V2_ROUTES, ...STREAM_ROUTES]);

/** What a request was answered with. */
export interface Answered {
  readonly response: Response;
  /** The pattern of the route; undefined if there is none. */
  readonly route: string | undefined;
}

/** How to serve the API. */
export interface RestApiOptions {
  readonly parts: BrokerParts;
  /** What it shares with the APIs of other users. */
  readonly shared: Shared;
  /** Whether requests may change something. */
  readonly allowsWrites: boolean;
  /** Most records of each stream in a second. */
  readonly streamRate: number;
  readonly counters: HttpCounters;
  readonly events: ClusterEvents;
  readonly directory: HttpDirectory;
  readonly health: Health;
  /** Whom it acts for. Default: nobody who has authenticated. */
  readonly session?: Session | undefined;
  /** Default: none, since nobody has authenticated. */
  readonly sessions?: UserSessions | undefined;
  /** Traces records that are produced; undefined for not. */
  readonly tracing?: TracingApi | undefined;
  history(): Promise<History>;
}

/** Serves the REST API of one broker. */
export class RestApi {
  readonly #router: Hono;
  readonly #context: RestContext;
  readonly #closing = new AbortController();
  /** The route of each request in progress. */
  readonly #routes: WeakMap<Request, string> = new WeakMap();
  /** Where each request in progress comes from. */
  readonly #sources: WeakMap<Request, RequestSource> = new WeakMap();

  constructor(
    { parts, shared, session, tracing, allowsWrites, streamRate, counters, ...others }:
      RestApiOptions,
  ) {
    const client = openLocalClient({ parts, carriers: shared.carriers, session, tracing });
    const broker = parts.context;
    const admin = client.admin();
    const places = placesOf(shared, session);
    const streams = new Streams(client, broker, counters.streams, places.streams);
    const { consumer: reader } = streams.limits;
    this.#context = {
      client,
      admin,
      producer: client.producer(),
      broker,
      store: parts.store,
      session: session ?? EMBEDDED_SESSION,
      sessions: others.sessions,
      consumers: new ConsumerInstances({
        client,
        admin,
        reader,
        broker,
        counters,
        places: places.consumers,
      }),
      closing: this.#closing.signal,
      uploads: new Set(),
      places,
      bodies: places.bodies,
      streams,
      allowsWrites,
      streamRate,
      events: others.events,
      directory: others.directory,
      health: others.health,
      history: () => others.history(),
    };
    this.#router = this.#createRouter();
  }

  /** A client of the cluster. */
  get admin(): Admin {
    return this.#context.admin;
  }

  /** Whether streams are read, which requests in progress do not show. */
  get hasStreams(): boolean {
    return this.#context.streams.limits.streamCount > 0;
  }

  /** Answers a request. */
  async fetch(request: Request, source: RequestSource): Promise<Answered> {
    let response: Response;
    this.#sources.set(request, source);
    try {
      response = await this.#router.fetch(request);
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      response = problem.response();
      await drain(request);
    } finally {
      this.#context.bodies.release(request);
    }
    return { response, route: this.#routes.get(request) };
  }

  /** Ends streams, and closes the client. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The broker is stopping", "AbortError"));
    await Promise.all(this.#context.uploads);
    await this.#context.consumers.close();
    await this.#context.client.close();
  }

  #createRouter(): Hono {
    const router = new Hono({ strict: false });
    for (const route of ROUTES) {
      for (const path of pathsOf(route)) {
        router.on(route.method, path, ({ req }) => {
          this.#routes.set(req.raw, route.path);
          // The router takes HEAD for GET.
          if (req.raw.method === "HEAD" && route.hasHead === false) {
            throw methodNotAllowed("HEAD", methodsOf(path));
          }
          this.#ensureAllowed(route);
          if (route.showsCluster === true) ensureShown(this.#context);
          return route.handle(
            new Call(
              req.raw,
              this.#sources.get(req.raw)!,
              req.param(),
              this.#context,
              route.body,
            ),
          );
        });
      }
    }
    for (const path of new Set(ROUTES.flatMap(pathsOf))) {
      router.all(path, ({ req }) => {
        const methods = methodsOf(path);
        if (req.method === "OPTIONS") {
          return new Response(null, { status: 204, headers: { allow: methods.join(", ") } });
        }
        throw methodNotAllowed(req.method, methods);
      });
    }
    router.notFound(({ req }) => {
      throw notFound(req.path);
    });
    router.onError((error) => {
      throw error;
    });
    return router;
  }

  #ensureAllowed({ method, isWrite = method !== "GET" }: Route): void {
    if (!isWrite || this.#context.allowsWrites) return;
    throw writesAreOff();
  }
}

/** A route's paths: those of version 3 are also where Confluent Server has them. */
function pathsOf({ path }: Route): string[] {
  return path.startsWith("/v3") ? [path, `/kafka${path}`] : [path];
}

/** The methods that a path has. */
function methodsOf(path: string): string[] {
  const routes = ROUTES.filter((route) => pathsOf(route).includes(path));
  const methods = routes.map(({ method }): string => method);
  if (routes.some(({ method, hasHead }) => method === "GET" && hasHead !== false)) {
    methods.push("HEAD");
  }
  return [...methods, "OPTIONS"];
}

function withOpenApi(routes: readonly Route[]): Route[] {
  const all: Route[] = [...routes];
  all.push(openApiRoute(all));
  return all;
}
