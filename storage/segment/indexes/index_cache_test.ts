import { assert, assertEquals } from "@std/assert";
import { IndexCache } from "./index_cache.ts";
import { OffsetIndex } from "./offset_index.ts";
import { TimeIndex } from "./time_index.ts";

function indexes() {
  return { offset: new OffsetIndex(0, new Uint8Array(10_000)), time: new TimeIndex(0) };
}

Deno.test("IndexCache evicts the least recently used indexes beyond its budget", () => {
  const cache = new IndexCache(35_000);
  const segments = [{}, {}, {}, {}];
  for (const segment of segments.slice(0, 3)) cache.set(segment, indexes());
  assert(cache.get(segments[0]!) !== undefined);
  cache.set(segments[3]!, indexes());
  assertEquals(segments.map((segment) => cache.get(segment) !== undefined), [
    true,
    false,
    true,
    true,
  ]);
  for (const segment of segments) cache.delete(segment);
  assertEquals(cache.sizeInBytes, 0);
});

Deno.test("IndexCache keeps the last indexes regardless of their size", () => {
  const cache = new IndexCache(0);
  const segment = {};
  cache.set({}, indexes());
  cache.set(segment, indexes());
  assert(cache.get(segment) !== undefined);
  assert(cache.sizeInBytes < 20_000);
});
