import { assertEquals, assertRejects } from "@std/assert";
import { HttpError } from "../http_error.ts";
import { jsonValues } from "./json_stream.ts";

const ENCODER = new TextEncoder();

/** The values of a body that arrives in pieces of `size` bytes. */
async function split(text: string, size: number, maxBytes = 1000): Promise<string[]> {
  const bytes = ENCODER.encode(text);
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
  }
  const values: string[] = [];
  for await (const value of jsonValues(pieces(), maxBytes)) {
    values.push(new TextDecoder().decode(value).trim());
  }
  return values;
}

Deno.test("jsonValues() finds values with and without blanks between them, however they are cut", async () => {
  const text = '{"a":"}{é"}{"b":[1,2]}\n\n {"c":{}}\t"d"1 2 null';
  for (const size of [1, 2, 3, 7, 100]) {
    assertEquals(
      await split(text, size),
      ['{"a":"}{é"}', '{"b":[1,2]}', '{"c":{}}', '"d"', "1", "2", "null"],
    );
  }
  assertEquals(await split("", 10), []);
  assertEquals(await split(" \n ", 1), []);
  assertEquals(await split('{"a":1', 10), ['{"a":1'], "the parser says what is wrong");
});

Deno.test("jsonValues() refuses a value that is too large", async () => {
  await assertRejects(() => split(`"${"x".repeat(100)}"`, 10, 50), HttpError, "larger than 50");
  assertEquals((await split(`"${"x".repeat(40)}"`.repeat(5), 10, 50)).length, 5);
});
