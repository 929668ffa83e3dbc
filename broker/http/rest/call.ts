/**
 * One request to the REST API, and what its handler needs to answer it.
 *
 * @module
 */

import type { Admin, Client, Producer } from "../../../client/mod.ts";
import type { BrokerContext } from "../../handler.ts";
import type { ClusterEvents } from "../events/cluster_events.ts";
import type { MetadataStore } from "../../metadata/metadata_store.ts";
import type { HttpDirectory } from "../http_directory.ts";
import type { RequestSource } from "../request_source.ts";
import type { Health } from "../health.ts";
import type { History } from "../metrics/history/history.ts";
import { HttpError } from "../http_error.ts";
import type { Session } from "../../security/session.ts";
import type { Grant } from "../sessions.ts";
import type { ConsumerInstances } from "../rest_v2/consumer_instances.ts";
import type { Streams } from "../stream/streams.ts";
import { type BodyMemory, readBody } from "./body.ts";
import { Fields, parseJson } from "./fields.ts";
import type { Schema } from "./schema.ts";
import { ensureRecognized } from "./unrecognized.ts";
import type { UserPlaces } from "./shared.ts";

/** Sessions and tickets of a user. */
export interface UserSessions {
  /** Begins a session. */
  open(): Grant;
  /** Makes a ticket for a WebSocket. */
  ticket(): Grant;
  /** Ends the session of a request with these headers, if it has one. */
  end(headers: Headers): void;
}

/** What all requests share. */
export interface RestContext {
  /** A client of the cluster, connected to this broker. */
  readonly client: Client;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly broker: BrokerContext;
  readonly store: MetadataStore;
  /** Whom requests come from. */
  readonly session: Session;
  /** Undefined while everyone may do everything. */
  readonly sessions: UserSessions | undefined;
  /** Aborted when the port closes. */
  readonly closing: AbortSignal;
  /** Requests that produce streams of records: the port closes when they have ended. */
  readonly uploads: Set<Promise<void>>;
  /** What the user may take of what there is for all. */
  readonly places: UserPlaces;
  /** Memory of bodies. */
  readonly bodies: BodyMemory;
  /** Consumers that live in this broker. */
  readonly consumers: ConsumerInstances;
  /** Readers of topics. */
  readonly streams: Streams;
  /** Most records of each stream in a second. */
  readonly streamRate: number;
  /** Whether requests may change something. */
  readonly allowsWrites: boolean;
  readonly events: ClusterEvents;
  /** Where other brokers serve HTTP. */
  readonly directory: HttpDirectory;
  readonly health: Health;
  /** The samples of the last hour. */
  history(): Promise<History>;
}

/** The largest body of a request that is not a stream of records. */
const MAX_BODY_BYTES = 1024 * 1024;

/** A request. */
export class Call {
  readonly request: Request;
  /** Where it comes from. */
  readonly source: RequestSource;
  readonly url: URL;
  readonly context: RestContext;
  readonly #params: Readonly<Record<string, string>>;
  readonly #body: Schema;

  constructor(
    request: Request,
    source: RequestSource,
    params: Readonly<Record<string, string>>,
    context: RestContext,
    body: Schema = {},
  ) {
    this.request = request;
    this.source = source;
    this.url = new URL(request.url);
    this.context = context;
    this.#params = params;
    this.#body = body;
  }

  get admin(): Admin {
    return this.context.admin;
  }

  /** A parameter of the path. */
  param(name: string): string {
    return this.#params[name]!;
  }

  /**
   * A parameter of the path that is a number.
   *
   * @throws {HttpError} 404 if it is none: nothing has such a number.
   */
  number(name: string): number {
    const text = this.param(name);
    if (/^\d{1,10}$/.test(text)) return Number(text);
    throw new HttpError(404, `"${text}" is not a number`);
  }

  /** A parameter of the query. */
  query(name: string): string | undefined {
    return this.url.searchParams.get(name) ?? undefined;
  }

  /**
   * The body, as JSON.
   *
   * @throws {HttpError} 400 if it is not an object, 422 if it has a field that the route has not, 413 if it
   *   is too large.
   */
  async json(): Promise<Fields> {
    return this.fields(await this.text());
  }

  /** The same, of a body that may be left out: it has no fields then. */
  async optionalJson(): Promise<Fields> {
    const text = await this.text();
    return this.fields(text.trim() === "" ? "{}" : text);
  }

  /**
   * The fields of the body's text.
   *
   * @throws {HttpError} As `json()`.
   */
  fields(text: string): Fields {
    const value = parseJson(text);
    const fields = new Fields(value);
    ensureRecognized(value, this.#body);
    return fields;
  }

  /**
   * The body, as text.
   *
   * @throws {HttpError} 413 if it is too large.
   */
  text(maxBytes: number = MAX_BODY_BYTES): Promise<string> {
    const { bodies: memory, closing: signal } = this.context;
    return readBody(this.request, { maxBytes, memory, signal });
  }
}
