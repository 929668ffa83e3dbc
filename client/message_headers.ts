/**
 * The headers of a message (KIP-82): an ordered list of names and values, in which names may
 * repeat.
 *
 * @module
 */

import type { RecordData, RecordHeaderInput } from "../protocol/records/record_batch_builder.ts";
import { SerializationError } from "./errors.ts";
import { describeValue } from "./describe_value.ts";

/** The types of keys, values and header values. Text is encoded as UTF-8. */
export type MessageData = Uint8Array | string | null;

/**
 * The accepted forms of headers: an object, in which a list repeats the name; an iterable of
 * `[name, value]` pairs or of `{ key, value }` objects; a `Map`; or the headers of a received
 * message.
 */
export type MessageHeadersInit =
  | Iterable<
    | readonly [name: string, value: MessageData]
    | { readonly key: string; readonly value: MessageData }
  >
  | { readonly [name: string]: MessageData | readonly MessageData[] };

const TEXT_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The headers of a message, in the order they were written.
 *
 * A name may repeat: `get()` and `text()` return its last value, like Kafka's clients, and
 * `getAll()` returns all. Names are case-sensitive.
 */
export class MessageHeaders implements Iterable<readonly [name: string, value: Uint8Array | null]> {
  readonly #entries: readonly { readonly key: string; readonly value: Uint8Array | null }[];

  /** Wraps the headers of a record. */
  constructor(entries: readonly { readonly key: string; readonly value: Uint8Array | null }[]) {
    this.#entries = entries;
  }

  /** The number of headers; a repeated name counts each time. */
  get size(): number {
    return this.#entries.length;
  }

  /**
   * Whether a header of this name exists.
   *
   * @param name The name of the header.
   */
  has(name: string): boolean {
    return this.#entries.some((entry) => entry.key === name);
  }

  /**
   * The last value of a header.
   *
   * @param name The name of the header.
   * @returns The bytes; null if the value is null; undefined if there is no such header.
   */
  get(name: string): Uint8Array | null | undefined {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      if (this.#entries[index]!.key === name) return this.#entries[index]!.value;
    }
    return undefined;
  }

  /**
   * All values of a header, in order.
   *
   * @param name The name of the header.
   */
  getAll(name: string): (Uint8Array | null)[] {
    return this.#entries.filter((entry) => entry.key === name).map((entry) => entry.value);
  }

  /**
   * The last value of a header as text.
   *
   * @param name The name of the header.
   * @returns The text; null if the value is null; undefined if there is no such header.
   */
  text(name: string): string | null | undefined {
    const value = this.get(name);
    return value && TEXT_DECODER.decode(value);
  }

  /** Iterates over names and values in order. */
  *[Symbol.iterator](): Iterator<readonly [name: string, value: Uint8Array | null]> {
    for (const { key, value } of this.#entries) yield [key, value];
  }

  /** Shows names and values as text. */
  [Symbol.for("Deno.customInspect")](
    inspect: (value: unknown, options: unknown) => string,
    options: unknown,
  ): string {
    const shown = this.#entries.map(({ key, value }) => [
      key,
      value && TEXT_DECODER.decode(value),
    ]);
    return `MessageHeaders ${inspect(shown, options)}`;
  }
}

/** The headers of a message that has none. */
export const NO_HEADERS: readonly RecordHeaderInput[] = Object.freeze([]);

/**
 * Converts headers to the form of the record batch builder.
 *
 * @throws {SerializationError} If a name is not a string, or a value is not bytes, text or null.
 */
export function recordHeaders(init: MessageHeadersInit | undefined): readonly RecordHeaderInput[] {
  if (init === undefined || init === null) return NO_HEADERS;
  if (typeof init !== "object" || init instanceof Uint8Array) {
    throw new SerializationError(
      `Cannot send headers: they are ${describeValue(init)}, not an object or a list of pairs`,
    );
  }
  const headers: RecordHeaderInput[] = [];
  if (Symbol.iterator in init) {
    for (const entry of init as Iterable<unknown>) headers.push(listed(entry, headers.length));
    return headers;
  }
  for (const [key, value] of Object.entries(init)) {
    if (Array.isArray(value)) {
      for (const one of value as readonly MessageData[]) headers.push(header(key, one));
    } else headers.push(header(key, value as MessageData));
  }
  return headers;
}

/** Converts one entry of an iterable of headers. */
function listed(entry: unknown, index: number): RecordHeaderInput {
  if (Array.isArray(entry) && entry.length === 2) return header(entry[0], entry[1]);
  if (!Array.isArray(entry) && typeof entry === "object" && entry !== null && "key" in entry) {
    const { key, value } = entry as { key: string; value?: MessageData };
    return header(key, value ?? null);
  }
  const what = Array.isArray(entry) ? `a list of ${entry.length}` : describeValue(entry);
  throw new SerializationError(
    `Cannot send header ${index}: it is ${what}, not a pair of name and value`,
  );
}

function header(key: string, value: MessageData): RecordHeaderInput {
  if (typeof key !== "string") {
    throw new SerializationError(
      `Cannot send header: its name is ${key === null ? "null" : typeof key}, not text`,
    );
  }
  return { key, value: recordData(`header "${key}"`, value) };
}

/**
 * Converts a key or value to the form of the record batch builder; undefined becomes null.
 *
 * @throws {SerializationError} If it is not bytes, text or null.
 */
export function recordData(what: string, data: MessageData | undefined): RecordData {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  if (data === null || data === undefined) return null;
  throw new SerializationError(
    `Cannot send ${what}: it is ${describeValue(data)}, not a Uint8Array, text or null`,
  );
}
