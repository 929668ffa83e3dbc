import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { apiByKey, APIS, fetch, produce } from "./mod.ts";

const ROOMS = ["cluster", "configs", "groups", "records", "security", "topics", "transactions"];

Deno.test("APIS is in the order of keys, with unique keys and names", () => {
  const keys = APIS.map((api) => api.key);
  assertEquals(keys, [...new Set(keys)].sort((a, b) => a - b));
  assertEquals(new Set(APIS.map((api) => api.name)).size, APIS.length);
});

Deno.test("APIS contains every API in the rooms of this folder", async () => {
  const declared: string[] = [];
  for (const room of ROOMS) {
    const folder = new URL(`${room}/`, import.meta.url);
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.name.endsWith(".ts") || entry.name === "mod.ts") continue;
      if (entry.name.endsWith("_types.ts")) continue;
      const text = await Deno.readTextFile(new URL(entry.name, folder));
      const name = / = api\(\{\s+key: \d+,\s+name: "(\w+)"/.exec(text)?.[1];
      assert(name !== undefined, `${entry.name} declares an API`);
      const file = name.replace(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
      assertEquals(entry.name, `${file}.ts`);
      declared.push(name);
    }
  }
  assertEquals(declared.sort(), APIS.map((api) => api.name).sort());
});

Deno.test("apiByKey() returns APIs by key, and undefined for other keys", () => {
  assertStrictEquals(apiByKey(0), produce);
  assertStrictEquals(apiByKey(1), fetch);
  for (const api of APIS) assertStrictEquals(apiByKey(api.key), api);
  for (const key of [-1, 4, 7, 127, 128, 32767, -32768]) assertEquals(apiByKey(key), undefined);
});
