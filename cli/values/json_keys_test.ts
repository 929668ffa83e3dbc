import { assertEquals } from "@std/assert";
import { duplicateKey } from "./json_keys.ts";

Deno.test("duplicateKey() returns a key that occurs twice in one object", () => {
  const cases: [text: string, key: string | undefined][] = [
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"b":{"c":1, "c" : 2}}', "c"],
    ['[{"a":1},{"a":1,"\\u0061":2}]', "a"],
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', undefined],
    ['{"a":"a","b":"{\\"b\\":1,\\"b\\":2}"}', undefined],
    ['["a","a"]', undefined],
    ['{"":1,"x":"\\\\"}', undefined],
    ['"a"', undefined],
  ];
  for (const [text, key] of cases) {
    assertEquals(duplicateKey(text), key, text);
  }
});
