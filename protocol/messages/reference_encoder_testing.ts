/**
 * A second encoder, slow and simple, written from the protocol description only; the derived
 * encoder must produce the same bytes.
 *
 * Spec: https://kafka.apache.org/protocol.html#protocol_types, KIP-482
 *
 * @module
 */

import type { Field, Fields, Message } from "../schema/schema.ts";
import { inRange } from "../schema/version_range.ts";
import { defaultOf } from "./sample_message_testing.ts";

/** Options of the reference encoder. */
export interface ReferenceOptions {
  /** A tag, unknown to every message, to add to each struct with these bytes. */
  readonly unknownTag?: { readonly tag: number; readonly bytes: readonly number[] };
}

/** Encodes a message. */
export function encodeReference(
  message: Message,
  version: number,
  value: Record<string, unknown>,
  options: ReferenceOptions = {},
): Uint8Array {
  const encoder = new ReferenceEncoder(version, inRange(version, message.flexible), options);
  return Uint8Array.from(encoder.struct(message.fields, value));
}

class ReferenceEncoder {
  constructor(
    readonly version: number,
    readonly flexible: boolean,
    readonly options: ReferenceOptions,
  ) {}

  struct(fields: Fields, value: Record<string, unknown>): number[] {
    const body: number[] = [];
    const tags: [tag: number, bytes: readonly number[]][] = [];
    for (const [name, field] of Object.entries(fields)) {
      if (!inRange(this.version, field.versions)) continue;
      const given = value[name] === undefined ? defaultOf(field) : value[name];
      if (!inRange(this.version, field.tagged)) body.push(...this.#field(field, given));
      else if (!isDefault(field, given)) {
        tags.push([field.tag!, this.#field(field, given)]);
      }
    }
    if (!this.flexible) return body;
    if (this.options.unknownTag !== undefined) {
      tags.push([this.options.unknownTag.tag, this.options.unknownTag.bytes]);
    }
    tags.sort(([a], [b]) => a - b);
    const buffer = tags.flatMap(([tag, bytes]) => [
      ...uvarint(tag),
      ...uvarint(bytes.length),
      ...bytes,
    ]);
    return [...body, ...uvarint(tags.length), ...buffer];
  }

  #field(field: Field, value: unknown): number[] {
    switch (field.type) {
      case "struct": {
        const bytes = value === null ? [] : this.struct(field.fields!, value as never);
        if (!inRange(this.version, field.nullable)) return bytes;
        return value === null ? [0xff] : [1, ...bytes];
      }
      case "array": {
        const items = value as unknown[] | null;
        const bytes = items?.flatMap((item) => this.#field(field.element!, item)) ?? [];
        return [...this.#length(items?.length ?? -1, 4), ...bytes];
      }
      case "string": {
        const bytes = value === null ? null : new TextEncoder().encode(value as string);
        return [...this.#length(bytes?.length ?? -1, 2), ...bytes ?? []];
      }
      case "bytes":
      case "records": {
        const bytes = value as Uint8Array | null;
        return [...this.#length(bytes?.length ?? -1, 4), ...bytes ?? []];
      }
      case "bool":
        return [value === true ? 1 : 0];
      case "uuid": {
        const base64 = (value as string).replaceAll("-", "+").replaceAll("_", "/");
        return [...atob(`${base64}==`)].map((char) => char.charCodeAt(0));
      }
      case "float64": {
        const view = new DataView(new ArrayBuffer(8));
        view.setFloat64(0, value as number);
        return [...new Uint8Array(view.buffer)];
      }
      default:
        return integer(value as number, INTEGER_SIZES[field.type]);
    }
  }

  /**
   * A length: the value plus one as a varint in flexible versions, otherwise an integer with −1 for
   * null.
   */
  #length(length: number, size: number): number[] {
    return this.flexible ? uvarint(length + 1) : integer(length, size);
  }
}

function isDefault(field: Field, value: unknown): boolean {
  const whole = field.type === "struct" && value !== null
    ? { ...defaultOf(field) as object, ...value as object }
    : value;
  return Deno.inspect(whole) === Deno.inspect(defaultOf(field));
}

const INTEGER_SIZES = { int8: 1, int16: 2, uint16: 2, int32: 4, int64: 8 } as const;

function integer(value: number, size: number): number[] {
  const bits = BigInt.asUintN(size * 8, BigInt(value));
  return Array.from({ length: size }, (_, i) => Number(bits >> BigInt(8 * (size - 1 - i)) & 0xffn));
}

function uvarint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...uvarint(Math.floor(value / 128))];
}
