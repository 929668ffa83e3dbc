import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SerializationError } from "./errors.ts";
import { MessageHeaders, recordData, recordHeaders } from "./message_headers.ts";

const utf8 = new TextEncoder();

const HEADERS = new MessageHeaders([
  { key: "a", value: utf8.encode("1") },
  { key: "b", value: null },
  { key: "a", value: utf8.encode("2") },
]);

Deno.test("MessageHeaders.get() returns the last value and getAll() all values", () => {
  assertEquals(HEADERS.size, 3);
  assertEquals(HEADERS.get("a"), utf8.encode("2"));
  assertEquals(HEADERS.text("a"), "2");
  assertEquals(HEADERS.getAll("a"), [utf8.encode("1"), utf8.encode("2")]);
});

Deno.test("MessageHeaders.get() distinguishes a null value from a missing header", () => {
  assertEquals([HEADERS.has("b"), HEADERS.get("b"), HEADERS.text("b")], [true, null, null]);
  assertEquals([HEADERS.has("A"), HEADERS.get("A"), HEADERS.text("A")], [
    false,
    undefined,
    undefined,
  ]);
  assertEquals(HEADERS.getAll("A"), []);
});

Deno.test("MessageHeaders iterates over names and values in order", () => {
  assertEquals([...HEADERS].map(([name]) => name), ["a", "b", "a"]);
  assertStringIncludes(Deno.inspect(HEADERS), 'MessageHeaders [ [ "a", "1" ], [ "b", null ]');
});

Deno.test("recordHeaders() accepts objects, pairs, maps and received headers", () => {
  const expected = [{ key: "a", value: "1" }, { key: "a", value: "2" }, { key: "b", value: null }];
  assertEquals(recordHeaders({ a: ["1", "2"], b: null }), expected);
  assertEquals(recordHeaders([["a", "1"], ["a", "2"], ["b", null]]), expected);
  assertEquals(recordHeaders(new Map([["b", null]])), [{ key: "b", value: null }]);
  assertEquals(recordHeaders(HEADERS).map(({ key }) => key), ["a", "b", "a"]);
  assertEquals(recordHeaders(undefined), []);
});

Deno.test("recordHeaders() and recordData() reject values other than bytes, text and null", () => {
  const bad = { a: 5 } as unknown as { a: string };
  assertThrows(
    () => recordHeaders(bad),
    SerializationError,
    'Cannot send header "a": it is a number',
  );
  const pairs = [[1, "x"]] as unknown as [string, string][];
  assertThrows(() => recordHeaders(pairs), SerializationError, "its name is number, not text");
  const date = new Date() as unknown as string;
  assertThrows(
    () => recordData("value", date),
    SerializationError,
    "Cannot send value: it is Date",
  );
  assertEquals(recordData("value", undefined), null);
  assert(recordData("value", utf8.encode("x")) instanceof Uint8Array);
});
