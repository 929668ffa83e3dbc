/**
 * Creates values for any message, with the expected decoded result.
 *
 * @module
 */

import { Random } from "../random_testing.ts";
import type { Field, Fields, Message, ScalarType } from "../schema/schema.ts";
import { inRange } from "../schema/version_range.ts";
import { uuidToString } from "../primitives/uuid.ts";

/** A value to encode and the expected decoded result. */
export interface Sample {
  readonly value: Record<string, unknown>;
  readonly decoded: Record<string, unknown>;
}

/**
 * Kind of sample: `minimal` omits or empties everything optional, `full` sets every field of the
 * version to a value other than the default, `random` mixes both.
 */
export type SampleKind = "minimal" | "full" | "random";

/** A seeded source of numbers; each call returns an integer below `limit`. */
export type Draw = (limit: number) => number;

/** Creates a `Draw` from a seed. */
export function seededRandom(seed: number): Draw {
  const numbers = new Random(seed);
  return (limit) => numbers.below(limit);
}

/** Creates a value for `version` of a message. */
export function sampleMessage(
  message: Message,
  version: number,
  kind: SampleKind,
  random: Draw,
): Sample {
  return new Sampler(version, kind, random).struct(message.fields);
}

/** The decoded value of a field that the version does not carry. */
export function defaultOf(field: Field): unknown {
  if (field.type !== "struct" || field.default === null) return field.default;
  return Object.fromEntries(
    Object.entries(field.fields!).map(([name, inner]) => [name, defaultOf(inner)]),
  );
}

const TEXTS = ["", "orders", "naïve-ünï", "日本", "🦕", "x".repeat(130), "\0"];

class Sampler {
  constructor(
    readonly version: number,
    readonly kind: SampleKind,
    readonly random: Draw,
  ) {}

  struct(fields: Fields): Sample {
    const value: Record<string, unknown> = {};
    const decoded: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) {
      decoded[name] = defaultOf(field);
      if (!inRange(this.version, field.versions)) continue;
      if (field.hasDefault && (this.kind === "minimal" || this.#chance(4))) continue;
      const sample = this.#field(field);
      value[name] = sample.value;
      decoded[name] = sample.decoded;
    }
    return { value, decoded };
  }

  /** True one time in `n` for a random sample, false for other kinds. */
  #chance(n: number): boolean {
    return this.kind === "random" && this.random(n) === 0;
  }

  #field(field: Field): { value: unknown; decoded: unknown } {
    const mayBeNull = inRange(this.version, field.nullable);
    if (mayBeNull && (this.kind === "minimal" || this.#chance(4))) {
      return { value: null, decoded: null };
    }
    if (field.type === "struct") return this.struct(field.fields!);
    if (field.type === "array") {
      const count = this.kind === "minimal" ? 0 : this.kind === "full" ? 2 : this.random(4);
      const items = Array.from({ length: count }, () => this.#field(field.element!));
      return { value: items.map((i) => i.value), decoded: items.map((i) => i.decoded) };
    }
    let value = this.#scalar(field.type);
    while (this.kind === "full" && value === field.default) value = this.#scalar(field.type);
    return { value, decoded: value };
  }

  #scalar(type: ScalarType): unknown {
    const { random } = this;
    if (this.kind === "minimal") return MINIMAL[type];
    switch (type) {
      case "bool":
        return random(2) === 1;
      case "string":
        return TEXTS[random(TEXTS.length)];
      case "float64":
        return (random(1e6) - 5e5) / 8;
      case "uuid":
        return uuidToString(this.#bytes(16));
      case "bytes":
      case "records":
        return this.#bytes(1 + random(this.kind === "random" && random(8) === 0 ? 9000 : 40));
      default:
        return this.#integer(INTEGERS[type]);
    }
  }

  #bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.random(256));
  }

  #integer([low, high]: readonly [number, number]): number {
    switch (this.random(4)) {
      case 0:
        return low;
      case 1:
        return high;
      case 2:
        return this.random(100);
      default:
        return Math.floor(low / 2) + this.random(high);
    }
  }
}

const INTEGERS = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  int64: [-(2 ** 63), 2 ** 63 - 1024],
} as const;

const MINIMAL: Record<ScalarType, unknown> = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  int64: 0,
  float64: 0,
  uuid: "AAAAAAAAAAAAAAAAAAAAAA",
  string: "",
  bytes: new Uint8Array(0),
  records: new Uint8Array(0),
};
