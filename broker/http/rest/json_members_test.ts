import { assertEquals } from "@std/assert";
import { itemTexts, memberTexts } from "./json_members.ts";

Deno.test("memberTexts() gives each member as it is written", () => {
  const cases: [text: string, members: Record<string, string>][] = [
    ["{}", {}],
    [" { } ", {}],
    ['{"a":73314510714175488}', { a: "73314510714175488" }],
    ['{ "a" : 1.0 , "b" : [1, {"c": "]}"}] }', { a: "1.0", b: '[1, {"c": "]}"}]' }],
    ['{"a\\"b":"x\\\\","c:d":null}', { 'a"b': '"x\\\\"', "c:d": "null" }],
    ['{"a":1,"a":2}', { a: "2" }],
    ['\n{"\\u0061":{"b":{}}}\n', { a: '{"b":{}}' }],
    ['{"__proto__":1}', { ["__proto__"]: "1" }],
  ];
  for (const [text, members] of cases) {
    assertEquals([...memberTexts(text)], Object.entries(members), text);
  }
});

Deno.test("itemTexts() gives each item as it is written", () => {
  const cases: [text: string, items: string[]][] = [
    ["[]", []],
    [" [ ] ", []],
    ["[1.0, 73314510714175488 ,null]", ["1.0", "73314510714175488", "null"]],
    ['[{"a":[1,2]},"],[", [ "," ]]', ['{"a":[1,2]}', '"],["', '[ "," ]']],
  ];
  for (const [text, items] of cases) assertEquals(itemTexts(text), items, text);
});
