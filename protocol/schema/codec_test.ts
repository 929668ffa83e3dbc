import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { codec } from "./codec.ts";
import { hex, toHex } from "../hex_testing.ts";
import { MalformedMessageError, Reader } from "../primitives/reader.ts";
import {
  array,
  bool,
  bytes,
  type Encodable,
  float64,
  int16,
  int32,
  int64,
  int8,
  type Message,
  message,
  records,
  string,
  struct,
  uint16,
  uuid,
} from "./schema.ts";
import { UnencodableValueError, Writer } from "../primitives/writer.ts";

function encode<M extends Message>(message: M, version: number, value: Encodable<M>): string {
  const writer = new Writer();
  codec(message, version).encode(writer, value as never);
  return toHex(writer.takeBytes());
}

function decode(message: Message, version: number, text: string): Record<string, unknown> {
  const reader = new Reader(hex(text));
  const value = codec(message, version).decode(reader);
  assertEquals(reader.remaining, 0);
  return value;
}

const heartbeat = message("HeartbeatRequest", "0-4", "4+", {
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: string("3+", { nullable: "3+", default: null }),
});

Deno.test("codec().encode() writes the layout of each version", () => {
  const value = { groupId: "g", generationId: 5, memberId: "me" };
  assertEquals(encode(heartbeat, 0, value), "00 01 67 00 00 00 05 00 02 6d 65");
  assertEquals(encode(heartbeat, 3, value), "00 01 67 00 00 00 05 00 02 6d 65 ff ff");
  assertEquals(encode(heartbeat, 4, value), "02 67 00 00 00 05 03 6d 65 00 00");
  assertEquals(
    encode(heartbeat, 4, { ...value, groupInstanceId: "i" }),
    "02 67 00 00 00 05 03 6d 65 02 69 00",
  );
});

Deno.test("codec().decode() reads each version, with defaults for fields it does not carry", () => {
  const value = { groupId: "g", generationId: 5, memberId: "me", groupInstanceId: null };
  assertEquals(decode(heartbeat, 0, "00 01 67 00 00 00 05 00 02 6d 65"), value);
  assertEquals(decode(heartbeat, 4, "02 67 00 00 00 05 03 6d 65 00 00"), value);
});

Deno.test("codec() caches the codec of each version", () => {
  assertStrictEquals(codec(heartbeat, 2), codec(heartbeat, 2));
  assert(codec(heartbeat, 2) !== codec(heartbeat, 3));
});

Deno.test("codec() throws for a version that the message does not have", () => {
  for (const version of [-1, 5]) {
    assertThrows(
      () => codec(heartbeat, version),
      RangeError,
      `HeartbeatRequest version ${version}: it has 0 to 4`,
    );
  }
});

const everyType = message("EveryType", "0-1", "1+", {
  bool: bool(),
  int8: int8(),
  int16: int16(),
  uint16: uint16(),
  int32: int32(),
  int64: int64(),
  float64: float64(),
  uuid: uuid(),
  string: string(),
  bytes: bytes(),
  records: records({ nullable: "0+" }),
  integers: array(int16()),
  strings: array(string(), { nullable: "0+" }),
  structs: array({ inner: int8() }),
});

Deno.test("codec() encodes and decodes every type, compact and not", () => {
  const value = {
    bool: true,
    int8: -1,
    int16: 2,
    uint16: 65535,
    int32: 3,
    int64: -4,
    float64: 1.5,
    uuid: "AAECAwQFBgcICQoLDA0ODw",
    string: "s",
    bytes: hex("0506"),
    records: hex("07"),
    integers: [8, 9],
    strings: ["a", ""],
    structs: [{ inner: 10 }, { inner: 11 }],
  };
  const numbers = "01 ff 00 02 ff ff 00 00 00 03 ff ff ff ff ff ff ff fc " +
    "3f f8 00 00 00 00 00 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ";
  const plain = numbers +
    "00 01 73 00 00 00 02 05 06 00 00 00 01 07 00 00 00 02 00 08 00 09 " +
    "00 00 00 02 00 01 61 00 00 00 00 00 02 0a 0b";
  assertEquals(encode(everyType, 0, value), plain);
  assertEquals(decode(everyType, 0, plain), value);
  const compact = numbers + "02 73 03 05 06 02 07 03 00 08 00 09 03 02 61 01 03 0a 00 0b 00 00";
  assertEquals(encode(everyType, 1, value), compact);
  assertEquals(decode(everyType, 1, compact), value);
});

Deno.test("codec().encode() writes records given in several pieces as one field", () => {
  const one = message("One", "0", "none", { records: records({ nullable: "0+" }) });
  assertEquals(encode(one, 0, { records: [hex("01"), hex("0203")] }), "00 00 00 03 01 02 03");
  assertEquals(encode(one, 0, { records: null }), "ff ff ff ff");
  assertEquals(decode(one, 0, "ff ff ff ff"), { records: null });
});

const tagged = message("Tagged", "0-2", "1+", {
  second: string("1+", { tag: 1, default: "" }),
  body: int8(),
  first: int32("1+", { tag: 0, default: -1, ignorable: true }),
  pair: struct("1+", { a: int8({ default: -1 }), b: string({ default: "" }) }, {
    tag: 2,
    default: {},
  }),
  list: array("2+", { n: int8() }, { tag: 300, default: [], ignorable: true }),
  maybe: string("2+", { tag: 4, nullable: "2+", default: null, ignorable: true }),
});

Deno.test("codec().encode() writes tags in ascending order and omits defaults (KIP-482)", () => {
  assertEquals(encode(tagged, 1, { body: 7 }), "07 00");
  assertEquals(encode(tagged, 1, { body: 7, first: -1, second: "", pair: {} }), "07 00");
  assertEquals(
    encode(tagged, 1, { body: 7, first: 5, second: "ab" }),
    "07 02 00 04 00 00 00 05 01 03 03 61 62",
  );
  assertEquals(encode(tagged, 1, { body: 7, pair: { a: 1 } }), "07 01 02 03 01 01 00");
  assertEquals(
    encode(tagged, 2, { body: 7, list: [{ n: 9 }], maybe: "" }),
    "07 02 04 01 01 ac 02 03 02 09 00",
  );
});

const TAG_DEFAULTS = {
  second: "",
  first: -1,
  pair: { a: -1, b: "" },
  list: [],
  maybe: null,
};

Deno.test("codec().decode() reads tags in any order and skips unknown ones (KIP-482)", () => {
  assertEquals(decode(tagged, 1, "07 00"), { ...TAG_DEFAULTS, body: 7 });
  assertEquals(decode(tagged, 0, "07"), { ...TAG_DEFAULTS, body: 7 });
  const value = { ...TAG_DEFAULTS, body: 7, first: 5, second: "ab" };
  assertEquals(decode(tagged, 1, "07 02 00 04 00 00 00 05 01 03 03 61 62"), value);
  assertEquals(decode(tagged, 1, "07 02 01 03 03 61 62 00 04 00 00 00 05"), value);
  assertEquals(
    decode(tagged, 1, "07 04 63 00 01 03 03 61 62 c8 01 02 ff ff 00 04 00 00 00 05"),
    value,
  );
  assertEquals(
    decode(tagged, 1, "07 01 ac 02 03 02 09 00"),
    { ...TAG_DEFAULTS, body: 7 },
    "a tag of a later version is unknown in this one",
  );
});

Deno.test("codec().decode() rejects a tag whose size differs from its value (KIP-482)", () => {
  for (const bytes of ["07 01 00 03 00 00 00 05", "07 01 00 05 00 00 00 05 00"]) {
    assertThrows(
      () => decode(tagged, 1, bytes),
      MalformedMessageError,
      "Cannot decode Tagged version 1: tag 0 is not",
    );
  }
});

Deno.test("codec().decode() shares no mutable default between objects", () => {
  const one = decode(tagged, 1, "07 00");
  const other = decode(tagged, 1, "07 00");
  assert(one.list !== other.list);
  assertThrows(() => ((one.pair as { a: number }).a = 5), TypeError);
});

const nested = message("Nested", "0-1", "0+", {
  maybe: struct({ a: int8(), b: string() }, { nullable: "0+", default: null }),
  all: array({ maybe: struct({ a: int64() }, { nullable: "0+" }) }),
});

Deno.test("codec() prefixes a nullable struct with one byte", () => {
  const none = { maybe: null, all: [{ maybe: null }, { maybe: null }] };
  assertEquals(encode(nested, 0, none), "ff 03 ff 00 ff 00 00");
  assertEquals(decode(nested, 0, "ff 03 ff 00 ff 00 00"), none);
  const some = { maybe: { a: 5, b: "x" }, all: [{ maybe: { a: 1 } }] };
  const bytes = "01 05 02 78 00 02 01 00 00 00 00 00 00 00 01 00 00 00";
  assertEquals(encode(nested, 0, some), bytes);
  assertEquals(decode(nested, 0, bytes), some);
});

Deno.test("codec() rejects null where the version does not allow it", () => {
  const list = message("List", "0-3", "2+", {
    names: array(string(), { nullable: "1-2" }),
    name: string({ nullable: "1+" }),
  });
  assertThrows(() => decode(list, 0, "ff ff ff ff 00 00"), MalformedMessageError, "names is null");
  assertThrows(() => decode(list, 0, "00 00 00 00 ff ff"), MalformedMessageError, "it is null");
  assertThrows(() => decode(list, 3, "00 01 00"), MalformedMessageError, "names is null");
  assertEquals(decode(list, 1, "ff ff ff ff ff ff"), { names: null, name: null });
  assertEquals(decode(list, 2, "00 00 00"), { names: null, name: null });
  assertThrows(
    () => encode(list, 0, { names: null, name: "" }),
    UnencodableValueError,
    "Cannot encode List version 0: names is missing or null",
  );
  assertThrows(
    () => encode(list, 1, { names: ["a", null as never], name: "" }),
    UnencodableValueError,
    "names[] is missing or null",
  );
});

Deno.test("codec().encode() rejects fields a version does not carry, and drops ignorable ones", () => {
  assertThrows(
    () => encode(tagged, 0, { body: 7, second: "x" }),
    UnencodableValueError,
    "Cannot encode Tagged version 0: it does not carry second",
  );
  assertThrows(
    () => encode(tagged, 0, { body: 7, pair: { b: "x" } }),
    UnencodableValueError,
    "it does not carry pair",
  );
  assertEquals(encode(tagged, 0, { body: 7, first: 5, list: [{ n: 1 }], maybe: "x" }), "07");
  assertEquals(encode(tagged, 0, { body: 7, second: "", pair: { a: -1 } }), "07");
});

Deno.test("codec().decode() allocates nothing for impossible counts", () => {
  const list = message("List", "0-1", "1+", {
    items: array({ id: int64(), name: string() }),
  });
  const cases: [version: number, bytes: string][] = [
    [0, "7f ff ff ff 00 00 00 00 00 00 00 00 00 00"],
    [0, "00 00 00 02 00 00 00 00 00 00 00 01 00 01 61 00 00 00 00"],
    [1, "ff ff ff ff 0f 00 00"],
  ];
  for (const [version, bytes] of cases) {
    assertThrows(() => decode(list, version, bytes), MalformedMessageError, "do not fit in");
  }
});

Deno.test("codec().decode() reads arrays longer than the presized maximum", () => {
  const list = message("List", "0", "0+", { items: array(int16()) });
  for (const size of [0, 1, 1023, 1024, 5000]) {
    const items = Array.from({ length: size }, (_, i) => i);
    assertEquals(decode(list, 0, encode(list, 0, { items })), { items });
  }
});

Deno.test("codec() allows reserved words as field names", () => {
  const words = message("Words", "0", "0+", {
    default: int8(),
    class: int8({ default: 0 }),
    return: string({ tag: 0, default: "" }),
    w: int8(),
    r: int8(),
    v: struct({ v: int8() }),
  });
  const value = { default: 1, class: 2, return: "x", w: 3, r: 4, v: { v: 5 } };
  assertEquals(encode(words, 0, value), "01 02 03 04 05 00 01 00 02 02 78");
  assertEquals(decode(words, 0, "01 02 03 04 05 00 01 00 02 02 78"), value);
});

Deno.test("codec() carries fields without versions whenever the struct around them is", () => {
  const inner = message("Inner", "0-2", "2+", {
    first: int8(),
    pair: struct("1+", { a: int8(), b: string("2+", { default: "" }) }, { default: {} as never }),
    list: array("1+", { n: int8(), m: int8({ default: 7, tag: 0, tagged: "2+" }) }, {
      default: [],
    }),
  });
  const value = { first: 1, pair: { a: 2 }, list: [{ n: 3, m: 4 }] };
  assertEquals(encode(inner, 0, { first: 1 }), "01");
  assertEquals(encode(inner, 1, value), "01 02 00 00 00 01 03 04");
  assertEquals(encode(inner, 2, value), "01 02 01 00 02 03 01 00 01 04 00");
  assertEquals(decode(inner, 1, "01 02 00 00 00 01 03 04"), {
    first: 1,
    pair: { a: 2, b: "" },
    list: [{ n: 3, m: 4 }],
  });
});
