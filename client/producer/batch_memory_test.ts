import { assertEquals, assertStrictEquals } from "@std/assert";
import { BatchMemory } from "./batch_memory.ts";

Deno.test("BatchMemory.take() returns released memory if that is large enough", () => {
  const memory = new BatchMemory();
  const first = memory.take(100);
  assertEquals(first.length, 100);
  memory.give(first);
  assertEquals(memory.spareBytes, 100);
  assertStrictEquals(memory.take(50), first);
  assertEquals(memory.spareBytes, 0);
  memory.give(first);
  assertEquals(memory.take(101).length, 101);
  assertEquals(memory.spareBytes, 0);
});

Deno.test("BatchMemory keeps at most a few megabytes", () => {
  const memory = new BatchMemory();
  for (let i = 0; i < 10; i++) memory.give(new Uint8Array(1024 * 1024));
  assertEquals(memory.spareBytes, 4 * 1024 * 1024);
});
