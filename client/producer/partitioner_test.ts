import { assert, assertEquals } from "@std/assert";
import { partitionForKey, StickyPartition } from "./partitioner.ts";

// The hashes are those of org.apache.kafka.common.utils.UtilsTest, with the sign bit cleared.
Deno.test("partitionForKey() returns the same partitions as the Java client", () => {
  const hashes: [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
  ];
  for (const [key, hash] of hashes) {
    for (const count of [1, 3, 10, 50]) {
      const expected = (hash & 0x7fffffff) % count;
      assertEquals(partitionForKey(key, count), expected);
      assertEquals(partitionForKey(new TextEncoder().encode(key), count), expected);
    }
  }
});

Deno.test("partitionForKey() hashes text of any length as UTF-8", () => {
  for (const key of ["", "é", "日本", "a".repeat(1000), "é".repeat(1000), "\ud83d\ude00"]) {
    const bytes = new TextEncoder().encode(key);
    assertEquals(partitionForKey(key, 1000), partitionForKey(bytes, 1000), key);
  }
});

Deno.test("StickyPartition keeps a partition for about a batch (KIP-794)", () => {
  const draws = [0.9, 0.1, 0.5];
  const sticky = new StickyPartition(100, () => true, () => draws.shift()!);
  const seen: number[] = [];
  for (let i = 0; i < 6; i++) {
    seen.push(sticky.next(10));
    sticky.add(50);
  }
  assertEquals(seen, [9, 9, 1, 1, 5, 5]);
});

Deno.test("StickyPartition avoids partitions without a leader while others have one", () => {
  const sticky = new StickyPartition(1, (partition) => partition === 2, () => 0.5);
  assertEquals(sticky.next(4), 2);
  const none = new StickyPartition(1, () => false, () => 0.5);
  assertEquals(none.next(4), 2);
});

Deno.test("StickyPartition draws another when its partition is gone", () => {
  const draws = [0.99, 0];
  const sticky = new StickyPartition(1000, () => true, () => draws.shift()!);
  assertEquals(sticky.next(10), 9);
  assert(sticky.next(5) < 5);
});
