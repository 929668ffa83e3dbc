import { assert, assertEquals } from "@std/assert";
import { ReadBuffers } from "./read_buffers.ts";

const MIB = 1024 * 1024;

Deno.test("ReadBuffers.take() gives as many bytes as asked for, again and again the same memory", () => {
  const buffers = new ReadBuffers();
  for (const size of [1, 16_384, 16_385, MIB, MIB + 1, 4 * MIB]) {
    const bytes = buffers.take(size);
    assertEquals(bytes.length, size);
    assert(bytes.buffer.byteLength <= Math.max(16_384, 2 * size - 1));
    buffers.give(bytes);
    const again = buffers.take(size - 1);
    assertEquals(again.length, size - 1);
    if (size - 1 > bytes.buffer.byteLength / 2) assert(again.buffer === bytes.buffer);
  }
});

Deno.test("ReadBuffers never gives memory out twice", () => {
  const buffers = new ReadBuffers();
  const first = buffers.take(MIB);
  const second = buffers.take(MIB);
  assert(first.buffer !== second.buffer);
  buffers.give(first);
  const third = buffers.take(MIB);
  const fourth = buffers.take(MIB);
  assertEquals(new Set([second.buffer, third.buffer, fourth.buffer]).size, 3);
});

Deno.test("ReadBuffers keeps a bounded part of what is given back, and nothing that is very large", () => {
  const buffers = new ReadBuffers();
  const taken = Array.from({ length: 30 }, () => buffers.take(MIB));
  for (const bytes of taken) buffers.give(bytes);
  assertEquals(buffers.idleBytes, 16 * MIB);
  const empty = new ReadBuffers();
  empty.give(empty.take(4 * MIB + 1));
  assertEquals(empty.idleBytes, 0);
});
