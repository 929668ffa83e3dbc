/**
 * One request to the REST API, and what its handler needs to answer it.
 *
 * @module
 */

import type { Admin, Client, Producer } from "../../../client/mod.ts";
import type { BrokerContext } from "../../handler.ts";
import { HttpError } from "../http_error.ts";
import { readBody } from "./body.ts";

/** What all requests share. */
export interface RestContext {
  /** A client of the cluster, connected to this broker. */
  readonly client: Client;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly broker: BrokerContext;
  /** Aborted when the port closes. */
  readonly closing: AbortSignal;
  /** Streams in progress: the port closes when they have ended. */
  readonly streams: Set<Promise<void>>;
}

/** The largest body of a request that is not a stream of records. */
const MAX_BODY_BYTES = 1024 * 1024;

/** A request. */
export class Call {
  readonly request: Request;
  readonly url: URL;
  readonly context: RestContext;
  readonly #params: Readonly<Record<string, string>>;

  constructor(request: Request, params: Readonly<Record<string, string>>, context: RestContext) {
    this.request = request;
    this.url = new URL(request.url);
    this.context = context;
    this.#params = params;
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
   * @throws {HttpError} 400 if it is not an object, 413 if it is too large.
   */
  async json(): Promise<Fields> {
    const text = await readBody(this.request, MAX_BODY_BYTES);
    return new Fields(parseJson(text));
  }
}

/**
 * Parses JSON.
 *
 * @throws {HttpError} 400 if it is not valid.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badRequest(`The body is not JSON: ${reason}`);
  }
}

/** An invalid request. */
export function badRequest(message: string): HttpError {
  return new HttpError(400, message, { errorCode: 40002 });
}

/** The fields of an object that a client sent. */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #where: string;

  /** @throws {HttpError} 400 if the value is not an object. */
  constructor(value: unknown, where = "The body") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw badRequest(`${where} is not an object`);
    }
    this.#fields = value as Record<string, unknown>;
    this.#where = where;
  }

  /** Whether a field is there and not null. */
  has(name: string): boolean {
    return this.raw(name) !== undefined && this.raw(name) !== null;
  }

  /** The value of a field, unchecked. */
  raw(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  /** A text; undefined if it is not there or null. */
  string(name: string): string | undefined {
    return this.#value(name, "string", (value) => typeof value === "string");
  }

  /** A whole number; undefined if it is not there or null. */
  integer(name: string): number | undefined {
    return this.#value(name, "whole number", (value) => Number.isSafeInteger(value));
  }

  /** True or false; undefined if it is not there or null. */
  boolean(name: string): boolean | undefined {
    return this.#value(name, "boolean", (value) => typeof value === "boolean");
  }

  /** A list; undefined if it is not there or null. */
  list(name: string): readonly unknown[] | undefined {
    return this.#value(name, "list", Array.isArray);
  }

  /** A list of objects; undefined if it is not there or null. */
  objects(name: string): readonly Fields[] | undefined {
    return this.list(name)?.map((item, i) => new Fields(item, `Item ${i} of "${name}"`));
  }

  /** An object; undefined if it is not there or null. */
  object(name: string): Fields | undefined {
    return this.has(name) ? new Fields(this.raw(name), `"${name}"`) : undefined;
  }

  /** A text that must be there. */
  requiredString(name: string): string {
    return this.string(name) ?? this.#missing(name);
  }

  /** A number that must be there. */
  requiredInteger(name: string): number {
    return this.integer(name) ?? this.#missing(name);
  }

  /** A list of objects that must be there. */
  requiredObjects(name: string): readonly Fields[] {
    return this.objects(name) ?? this.#missing(name);
  }

  #missing(name: string): never {
    throw badRequest(`${this.#where} has no "${name}"`);
  }

  #value<T>(name: string, type: string, is: (value: unknown) => boolean): T | undefined {
    if (!this.has(name)) return undefined;
    const value = this.raw(name);
    if (is(value)) return value as T;
    throw badRequest(`${this.#where}: "${name}" is not a ${type}`);
  }
}
