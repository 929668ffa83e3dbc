import { assert, assertEquals } from "@std/assert";
import { TextRun } from "./text_run.ts";

const ENCODER = new TextEncoder();

/** The bytes that a run returns for each text of a list. */
function encodeAll(values: readonly (string | Uint8Array | null)[]): (Uint8Array | null)[] {
  const run = new TextRun(values.map((value) => ({ value })));
  return values.map((value, place) => {
    const data = typeof value === "string" ? run.at(place, value) : value;
    return typeof data === "string" ? ENCODER.encode(data) : data && data.slice();
  });
}

Deno.test("TextRun.at() returns the bytes of each text regardless of its neighbors", () => {
  const sizes = [0, 1, 48, 49, 50, 100, 1000, 4096, 8191, 8192, 8193, 20_000];
  const values = sizes.flatMap((size) => [
    "a".repeat(size),
    "b".repeat(100),
    "é".repeat(size),
    "c".repeat(100),
    // Next to each other, these two would form one character.
    "d".repeat(60) + "\ud83d",
    "\ude00" + "d".repeat(60),
    new Uint8Array(size),
    null,
  ]);
  const expected = values.map((value) => typeof value === "string" ? ENCODER.encode(value) : value);
  assertEquals(encodeAll(values), expected);
  const ascii = Array.from({ length: 500 }, (_, i) => `${i}`.padStart(i, "."));
  assertEquals(encodeAll(ascii), ascii.map((text) => ENCODER.encode(text)));
});

Deno.test("TextRun.at() allows indexes to be skipped", () => {
  const values = Array.from({ length: 200 }, (_, i) => `${i}`.padStart(80, "."));
  const run = new TextRun(values.map((value) => ({ value })));
  for (const place of [0, 1, 5, 31, 32, 33, 100, 199]) {
    const data = run.at(place, values[place]!);
    assert(data instanceof Uint8Array);
    assertEquals(new TextDecoder().decode(data), values[place]);
  }
});
