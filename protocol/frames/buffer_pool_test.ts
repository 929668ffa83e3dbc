import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "./buffer_pool.ts";

const MIB = 1024 * 1024;

Deno.test("BufferPool.take() returns the requested size with little overhead", () => {
  const pool = new BufferPool();
  for (let size = 1; size < 20_000_000; size = Math.ceil(size * 1.1)) {
    const { length, buffer } = pool.take(size);
    assertEquals(length, size);
    assert(
      buffer.byteLength <= Math.max(4096, size * 1.25 + 1),
      `${buffer.byteLength} for ${size}`,
    );
  }
});

Deno.test("BufferPool.take() reuses a buffer that was given back", () => {
  const pool = new BufferPool();
  for (const size of [1, 4096, 4097, 100_000, MIB, 16 * MIB]) {
    const bytes = pool.take(size);
    pool.give(bytes.subarray(0, 1));
    assert(pool.take(size).buffer === bytes.buffer);
  }
});

Deno.test("BufferPool.take() never lends the same memory twice", () => {
  const pool = new BufferPool();
  const first = pool.take(MIB);
  const second = pool.take(MIB);
  pool.give(first);
  const third = pool.take(MIB);
  const fourth = pool.take(MIB);
  assert(third.buffer === first.buffer);
  assertEquals(new Set([second.buffer, third.buffer, fourth.buffer]).size, 3);
});

Deno.test("BufferPool.give() keeps a bounded total, and no very large buffers", () => {
  const pool = new BufferPool();
  const taken = Array.from({ length: 50 }, () => pool.take(MIB));
  for (const bytes of taken) {
    pool.give(bytes);
    assert(pool.idleBytes > 0 && pool.idleBytes <= 32 * MIB);
  }
  pool.clear();
  assertEquals(pool.idleBytes, 0);
  pool.give(pool.take(16 * MIB + 1));
  assertEquals(pool.idleBytes, 0);
});
