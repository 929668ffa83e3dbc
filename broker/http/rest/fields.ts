/**
 * The fields of JSON that a client sent, with checks of their types.
 *
 * @module
 */

import { HttpError } from "../http_error.ts";

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

/** An invalid request, with the code that Confluent's REST API has for one that Kafka has not seen. */
export function badRequest(message: string): HttpError {
  return new HttpError(400, message);
}

/**
 * The bytes of base64.
 *
 * @throws {HttpError} 400 if it is none.
 */
export function bytesOfBase64(text: string, what: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw badRequest(`${what} is not base64`);
  }
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

  /** All fields, unchecked. */
  entries(): Iterable<[name: string, value: unknown]> {
    return Object.entries(this.#fields);
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
