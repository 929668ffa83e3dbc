import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { codec, slicedCodec } from "../schema/codec.ts";
import { MalformedMessageError, Reader, TooManyElementsError } from "../primitives/reader.ts";
import type { Field, Fields, Message } from "../schema/schema.ts";
import { inRange } from "../schema/version_range.ts";
import { UnencodableValueError, Writer } from "../primitives/writer.ts";
import { describeLogDirs } from "./cluster/describe_log_dirs.ts";
import { heartbeat } from "./groups/heartbeat.ts";
import { metadata } from "./topics/metadata.ts";
import { APIS } from "./mod.ts";
import { encodeReference } from "./reference_encoder_testing.ts";
import { sampleMessage, seededRandom } from "./sample_message_testing.ts";

const MESSAGES: readonly Message[] = APIS.flatMap((api) => [api.request, api.response]);

function* everyVersion(): Iterable<[message: Message, version: number]> {
  for (const message of MESSAGES) {
    for (let v = message.versions.min; v <= message.versions.max; v++) yield [message, v];
  }
}

function encode(message: Message, version: number, value: unknown): Uint8Array {
  const writer = new Writer();
  codec(message, version).encode(writer, value as never);
  return writer.takeBytes();
}

function decode(message: Message, version: number, bytes: Uint8Array): Record<string, unknown> {
  const reader = new Reader(bytes);
  const value = codec(message, version).decode(reader);
  assertEquals(reader.remaining, 0, `${message.name} version ${version} reads to the end`);
  return value;
}

Deno.test("codec() round-trips every version, with the bytes of the reference encoder", () => {
  const random = seededRandom(1);
  for (const [message, version] of everyVersion()) {
    for (const kind of ["minimal", "full", "random", "random", "random", "random"] as const) {
      const { value, decoded } = sampleMessage(message, version, kind, random);
      const bytes = encode(message, version, value);
      const label = `${message.name} version ${version}, ${kind}`;
      assertEquals(bytes, encodeReference(message, version, value), label);
      assertEquals(decode(message, version, bytes), decoded, label);
    }
  }
});

Deno.test("slicedCodec() encodes and decodes every version like codec()", () => {
  const random = seededRandom(11);
  for (const [message, version] of everyVersion()) {
    const sliced = slicedCodec(message, version);
    for (const kind of ["minimal", "full", "random"] as const) {
      const { value, decoded } = sampleMessage(message, version, kind, random);
      const label = `${message.name} version ${version}, ${kind}`;
      const writer = new Writer();
      drain(sliced.encode(writer, value as never));
      const bytes = writer.takeBytes();
      assertEquals(bytes, encode(message, version, value), label);
      assertEquals(drain(sliced.decode(new Reader(bytes))), decoded as never, label);
    }
  }
});

function drain<T>(slices: Generator<void, T>): T {
  for (;;) {
    const { done, value } = slices.next();
    if (done === true) return value;
  }
}

Deno.test("codec() returns objects with the same properties in the same order for each struct", () => {
  for (const [message, version] of everyVersion()) {
    const { value } = sampleMessage(message, version, "full", seededRandom(2));
    const decoded = decode(message, version, encode(message, version, value));
    assertEquals(Object.keys(decoded), Object.keys(message.fields));
  }
});

Deno.test("Codec.hasMoreElementsThan() counts the elements of all arrays, and stops at the limit", () => {
  const { hasMoreElementsThan } = codec(metadata.response, 12);
  const partition = {
    errorCode: 0,
    partitionIndex: 0,
    leaderId: 0,
    replicaNodes: [1],
    isrNodes: [],
  };
  const topic = { errorCode: 0, name: "a", partitions: [partition, partition] };
  const value = { brokers: [], topics: [topic, topic] };
  // Two topics, two partitions in each, a replica of each.
  assertEquals([9, 10].map((count) => hasMoreElementsThan(count, value)), [true, false]);
  assertEquals(codec(heartbeat.response, 4).hasMoreElementsThan(0, { errorCode: 0 }), false);
});

Deno.test("Reader rejects more array elements than its limit, in all arrays of a message", () => {
  const topic = { topic: "a", partitions: [0, 1, 2] };
  const bytes = encode(describeLogDirs.request, 4, { topics: [topic, topic] });
  const { decode } = codec(describeLogDirs.request, 4);
  assertEquals(decode(new Reader(bytes, 8)).topics!.length, 2);
  assertThrows(() => decode(new Reader(bytes, 7)), TooManyElementsError, "the limit is 7");
});

Deno.test("Reader.skipTags() rejects a tag buffer with very many tags", () => {
  const writer = new Writer();
  writer.uvarint(1001);
  for (let i = 0; i < 1001; i++) {
    writer.uvarint(i);
    writer.uvarint(0);
  }
  const bytes = writer.takeBytes();
  assertThrows(() => new Reader(bytes).skipTags(), MalformedMessageError, "there are 1001");
});

Deno.test("codec().decode() rejects a message truncated at any byte", () => {
  for (const [message, version] of everyVersion()) {
    const { value } = sampleMessage(message, version, "full", seededRandom(3));
    const bytes = encode(message, version, value);
    const { decode } = codec(message, version);
    for (let size = 0; size < bytes.length; size++) {
      assertThrows(() => decode(new Reader(bytes.subarray(0, size))), MalformedMessageError);
    }
  }
});

Deno.test("codec().decode() returns a value or throws MalformedMessageError for any changed byte", () => {
  for (const [message, version] of everyVersion()) {
    const { value } = sampleMessage(message, version, "full", seededRandom(4));
    const bytes = encode(message, version, value);
    const { decode } = codec(message, version);
    for (let at = 0; at < bytes.length; at++) {
      const kept = bytes[at]!;
      for (const change of [0x00, 0x7f, 0x80, 0xff]) {
        bytes[at] = change;
        decodeOrMalformed(() => decode(new Reader(bytes)));
      }
      bytes[at] = kept;
    }
  }
});

function decodeOrMalformed(attempt: () => unknown): void {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
  }
}

Deno.test("codec().decode() skips unknown tags in every struct (KIP-482)", () => {
  const random = seededRandom(5);
  for (const [message, version] of everyVersion()) {
    if (!inRange(version, message.flexible)) continue;
    const { value, decoded } = sampleMessage(message, version, "full", random);
    for (const bytes of [[], [1, 2, 3], Array(300).fill(0xff)]) {
      const unknownTag = { tag: 1000, bytes };
      const encoded = encodeReference(message, version, value, { unknownTag });
      assertEquals(decode(message, version, encoded), decoded, `${message.name} ${version}`);
    }
  }
});

/** A field of a message with its path, and access to the struct that contains it. */
interface Place {
  readonly path: string;
  readonly name: string;
  readonly field: Field;
  /** The first struct of this kind in a full sample. */
  readonly owner: (value: Record<string, unknown>) => Record<string, unknown>;
}

function* places(
  fields: Fields,
  version: number,
  prefix = "",
  owner: Place["owner"] = (value) => value,
): Iterable<Place> {
  for (const [name, field] of Object.entries(fields)) {
    yield { path: prefix + name, name, field, owner };
    if (!inRange(version, field.versions)) continue;
    const array = field.type === "array";
    const inner = (array ? field.element! : field).fields;
    if (inner === undefined) continue;
    yield* places(inner, version, `${prefix}${name}${array ? "[]" : ""}.`, (value) => {
      const held = owner(value)[name] as never;
      return array ? held[0] : held;
    });
  }
}

/** A value other than the default of the field, if there is one. */
function otherThanDefault(field: Field, version: number): unknown {
  const wide = { ...field, versions: { min: 0, max: 32767 } };
  const message = { name: "", versions: wide.versions, flexible: wide.versions };
  const sample = sampleMessage(
    { ...message, fields: { field: wide } },
    Math.max(version, field.versions.min),
    "full",
    seededRandom(6),
  );
  return sample.value.field;
}

Deno.test("codec().encode() rejects values that the version cannot carry, unless they are ignorable", () => {
  let refused = 0;
  let ignored = 0;
  for (const [message, version] of everyVersion()) {
    for (const { path, name, field, owner } of places(message.fields, version)) {
      if (inRange(version, field.versions)) continue;
      const { value } = sampleMessage(message, version, "full", seededRandom(7));
      const without = encode(message, version, value);
      owner(value)[name] = otherThanDefault(field, version);
      if (field.ignorable) {
        assertEquals(encode(message, version, value), without, `${message.name} ${path}`);
        ignored++;
      } else {
        const error = assertThrows(
          () => encode(message, version, value),
          UnencodableValueError,
          `${message.name} version ${version}`,
        );
        assertStringIncludes(error.message, path);
        refused++;
      }
      owner(value)[name] = structuredClone(field.default);
      if (field.type === "struct") owner(value)[name] = field.default;
      assertEquals(encode(message, version, value), without, `the default of ${path} is no value`);
    }
  }
  assert(refused > 100 && ignored > 300, `${refused} refused, ${ignored} ignored`);
});

Deno.test("codec().encode() rejects null and undefined where a version requires a value", () => {
  let checked = 0;
  for (const [message, version] of everyVersion()) {
    for (const { path, name, field, owner } of places(message.fields, version)) {
      if (!inRange(version, field.versions)) continue;
      const label = `${message.name} version ${version} ${path}`;
      const { value } = sampleMessage(message, version, "full", seededRandom(8));
      if (!inRange(version, field.nullable)) {
        owner(value)[name] = null;
        assertThrows(() => encode(message, version, value), UnencodableValueError, "", label);
        checked++;
      }
      delete owner(value)[name];
      if (field.hasDefault) encode(message, version, value);
      else assertThrows(() => encode(message, version, value), UnencodableValueError, "", label);
    }
  }
  assert(checked > 2000, `${checked} checked`);
});

const OUT_OF_RANGE: Partial<Record<Field["type"], unknown[]>> = {
  bool: [0, "true"],
  int8: [-129, 128, 0.5, NaN, "1"],
  int16: [-32769, 32768, 0.5, "1"],
  uint16: [-1, 65536],
  int32: [-2147483649, 2147483648, 0.5, "1"],
  int64: [0.5, NaN, Infinity, -Infinity, 1n],
  uuid: ["", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA+/", 7],
  string: ["x".repeat(32768), "é".repeat(16384)],
};

Deno.test("codec().encode() rejects values outside their type", () => {
  for (const [message, version] of everyVersion()) {
    for (const { path, name, field, owner } of places(message.fields, version)) {
      if (!inRange(version, field.versions)) continue;
      for (const bad of OUT_OF_RANGE[field.type] ?? []) {
        const { value } = sampleMessage(message, version, "full", seededRandom(9));
        owner(value)[name] = bad;
        const label = `${message.name} version ${version} ${path} = ${String(bad).slice(0, 9)}`;
        // An error message is cut, so that its length never hides its error code.
        if (field.type === "string" && /errorMessage$/i.test(name)) encode(message, version, value);
        else assertThrows(() => encode(message, version, value), UnencodableValueError, "", label);
      }
    }
  }
});
