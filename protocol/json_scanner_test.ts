import { assertEquals } from "@std/assert";
import { JsonScanner } from "./json_scanner.ts";

Deno.test("JsonScanner finds the end of a value, in pieces of any size", async (t) => {
  const cases: [text: string, size: number | undefined][] = [
    ['{"a":[1,{"b":"}"}]} {', 19],
    ['"a\\"\\\\" ', 7],
    ["  [1] 2", 5],
    ["-1.5e+3,", 7],
    ["true]", 4],
    ["null", 4],
    ["{", undefined],
    ['"abc', undefined],
    ['"\\', undefined],
    ["  ", undefined],
    ["}", 1],
    [",", 1],
  ];
  for (const [text, size] of cases) {
    await t.step(JSON.stringify(text), () => {
      const bytes = new TextEncoder().encode(text);
      assertEquals(new JsonScanner().scan(bytes, true), size);
      const scanner = new JsonScanner();
      let found: number | undefined;
      for (let i = 0; i <= bytes.length && found === undefined; i++) {
        found = scanner.scan(bytes.subarray(0, i), i === bytes.length);
      }
      assertEquals(found, size);
    });
  }
});
