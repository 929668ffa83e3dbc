import { assert, assertEquals } from "@std/assert";
import { OffsetMap } from "./offset_map.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function put(map: OffsetMap, key: string, offset: number): boolean {
  const bytes = encode(key);
  return map.put(bytes, 0, bytes.length, offset);
}

function get(map: OffsetMap, key: string): number {
  const bytes = encode(`..${key}.`);
  return map.get(bytes, 2, bytes.length - 1);
}

Deno.test("OffsetMap.get() returns the last offset of each key, also in a full map", () => {
  const map = new OffsetMap(24 * 1000, 1e9);
  assertEquals(map.capacity, 900);
  for (let offset = 0; offset < 5000; offset++) assert(put(map, `key ${offset % 900}`, offset));
  assertEquals(map.count, 900);
  for (let i = 0; i < 900; i++) assertEquals(get(map, `key ${i}`), i < 500 ? 4500 + i : 3600 + i);
  assertEquals(get(map, "another"), -1);
  assertEquals(get(map, ""), -1);
});

Deno.test("OffsetMap.put() in a full map rejects new keys, and updates known ones", () => {
  const map = new OffsetMap(24 * 10, 1e9);
  for (let i = 0; i < 9; i++) assert(put(map, `${i}`, i));
  assertEquals(put(map, "9", 9), false);
  assert(put(map, "3", 10));
  assertEquals([get(map, "3"), get(map, "9"), map.count], [10, -1, 9]);
});

Deno.test("OffsetMap bounds its memory by its budget and by the possible number of keys", () => {
  assert(new OffsetMap(1 << 20, 1e9).sizeInBytes <= 1 << 20);
  assert(new OffsetMap(1 << 20, 100).sizeInBytes < 3000);
  const tiny = new OffsetMap(0, 1e9);
  assertEquals([put(tiny, "a", 1), put(tiny, "b", 2), get(tiny, "a")], [true, false, 1]);
});
