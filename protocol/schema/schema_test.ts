import { assertEquals, assertThrows } from "@std/assert";
import {
  api,
  array,
  bool,
  type Decoded,
  type Encodable,
  int16,
  int32,
  int8,
  message,
  records,
  type RequestOf,
  type RequestTo,
  type ResponseOf,
  type ResponseTo,
  string,
  struct,
} from "./schema.ts";

const sample = message("Sample", "0-3", "2+", {
  id: int32(),
  name: string("1+", { nullable: "1+", default: null }),
  flag: bool("2+", { default: true }),
  records: records({ nullable: "0+" }),
  partitions: array({ index: int32(), leader: int32("3+", { default: -1 }) }),
  cursor: struct({ topic: string() }, { nullable: "0+", default: null }),
  replicas: array(int32(), { nullable: "1+" }),
});

/** Compiles only if both types are identical. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
function holds<_T extends true>(): void {}

Deno.test("Decoded has every field, with null where some version allows it", () => {
  holds<
    Same<Decoded<typeof sample>, {
      id: number;
      name: string | null;
      flag: boolean;
      records: Uint8Array | null;
      partitions: { index: number; leader: number }[];
      cursor: { topic: string } | null;
      replicas: number[] | null;
    }>
  >();
});

Deno.test("Encodable allows fields with a default to be omitted, at every depth", () => {
  const least = { id: 1, records: null, partitions: [{ index: 0 }], replicas: null };
  least satisfies Encodable<typeof sample>;
  const most = {
    id: 1,
    name: "a",
    flag: false,
    records: [new Uint8Array(1), new Uint8Array(2)],
    partitions: [{ index: 0, leader: 5 }],
    cursor: { topic: "t" },
    replicas: [1],
  } as const;
  most satisfies Encodable<typeof sample>;
  // @ts-expect-error: id has no default
  ({ records: null, partitions: [], replicas: null }) satisfies Encodable<typeof sample>;
  // @ts-expect-error: flag may not be null
  ({ ...least, flag: null }) satisfies Encodable<typeof sample>;
  // @ts-expect-error: index has no default
  ({ ...least, partitions: [{}] }) satisfies Encodable<typeof sample>;
  // @ts-expect-error: partitions may not be null
  ({ ...least, partitions: null }) satisfies Encodable<typeof sample>;
  // @ts-expect-error: there is no such field
  ({ ...least, colour: "red" }) satisfies Encodable<typeof sample>;
});

Deno.test("Decoded is assignable to Encodable", () => {
  holds<Decoded<typeof sample> extends Encodable<typeof sample> ? true : false>();
});

Deno.test("message() rejects a default of another type", () => {
  // @ts-expect-error: a string is no number
  int32("0+", { default: "1" });
  // @ts-expect-error: the same without versions
  int32({ default: "1" });
  // @ts-expect-error: a struct's default has the struct's fields
  struct("0+", { a: int32() }, { default: { a: "1" } });
  // @ts-expect-error: the same without versions
  struct({ a: int32() }, { default: { a: "1" } });
  // @ts-expect-error: an array's default has the array's elements
  array("0+", int32(), { default: ["1"] });
  // @ts-expect-error: the same without versions
  array(int32(), { default: ["1"] });
});

const ping = api({
  key: 99,
  name: "Ping",
  versions: "0-2",
  flexible: "1+",
  request: { text: string() },
  response: { errorCode: int16(), text: string("1+", { default: "" }) },
});

Deno.test("api() names its messages and sets their versions", () => {
  assertEquals(ping.request.name, "PingRequest");
  assertEquals(ping.response.name, "PingResponse");
  for (const { versions, flexible } of [ping.request, ping.response]) {
    assertEquals([versions.min, versions.max], [0, 2]);
    assertEquals(flexible.min, 1);
  }
  holds<Same<RequestOf<typeof ping>, { text: string }>>();
  holds<Same<RequestTo<typeof ping>, { readonly text: string }>>();
  holds<Same<ResponseOf<typeof ping>, { errorCode: number; text: string }>>();
  holds<Same<ResponseTo<typeof ping>, { readonly errorCode: number; readonly text?: string }>>();
});

Deno.test("string() and the other types keep declared options and imply the rest", () => {
  const { id, name, flag } = sample.fields;
  assertEquals([id.hasDefault, id.default, id.ignorable, id.tag], [false, 0, false, undefined]);
  assertEquals([name.hasDefault, name.default], [true, null]);
  assertEquals(name.nullable.min, 1);
  assertEquals(flag.default, true);
  assertEquals(string("1+", { tag: 3, default: "" }).tagged, { min: 1, max: 32767 });
  assertEquals(string("1+", { tag: 3, tagged: "2+", default: "" }).tagged.min, 2);
  assertThrows(() => string("one"), TypeError);
});

Deno.test("array() and struct() take their versions first, and carry fields without versions in all", () => {
  const all = { min: 0, max: 32767 };
  const list = array("2+", { a: int8(), b: int8("3+", { default: 0 }) }, { default: [] });
  assertEquals([list.versions.min, list.default, list.hasDefault], [2, [], true]);
  assertEquals(list.element!.fields!.a!.versions, all);
  assertEquals(list.element!.fields!.b!.versions.min, 3);
  assertEquals(array(int8(), { nullable: "1+" }).versions, all);
  assertEquals(array(int8(), { nullable: "1+" }).nullable.min, 1);
  const pair = struct("1-2", { a: int8() }, { tag: 0, default: { a: 1 } });
  assertEquals([pair.versions, pair.tagged], [{ min: 1, max: 2 }, { min: 1, max: 2 }]);
  assertEquals(struct({ a: int8() }, { tag: 5, default: { a: 1 } }).tagged, all);
  assertEquals(struct({ a: int8() }).versions, all);
});
