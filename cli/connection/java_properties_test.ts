import { assertEquals, assertThrows } from "@std/assert";
import { parseJavaProperties } from "./java_properties.ts";

Deno.test("parseJavaProperties() reads what Java reads", async (t) => {
  const cases: readonly [name: string, text: string, expected: Record<string, string>][] = [
    ["pairs", "a=1\nb = 2 \nc:3\nd 4\r\ne\t=\t5", { a: "1", b: "2 ", c: "3", d: "4", e: "5" }],
    ["comments and blank lines", "# a=1\n\n  ! b=2\n c=3", { c: "3" }],
    ["no value", "a\nb=\n", { a: "", b: "" }],
    ["the last of two", "a=1\na=2", { a: "2" }],
    ["continued lines", "a=one \\\n   two\\\\\nb=3", { a: "one two\\", b: "3" }],
    ["escapes", "a\\ b\\=c=\\t\\u00e9\\:\\q", { "a b=c": "\té:q" }],
    ["signs in values", "a=b=c:d #e", { a: "b=c:d #e" }],
    ["a line continued by the end", "a=1\\", { a: "1" }],
  ];
  for (const [name, text, expected] of cases) {
    await t.step(name, () => assertEquals(Object.fromEntries(parseJavaProperties(text)), expected));
  }
  assertThrows(() => parseJavaProperties("x=1\na=\\u12"), SyntaxError, "line 2");
});
