import { assertEquals } from "@std/assert";
import { xxhash32 } from "./xxhash32.ts";

/** From python-xxhash 4.1.0, seed 0. */
const VECTORS: [bytes: Uint8Array, hash: number][] = [
  [text(""), 0x02cc5d05],
  [text("a"), 0x550d7456],
  [text("abc"), 0x32d153ff],
  [text("Nobody inspects the spammish repetition"), 0xe2293b2f],
  [Uint8Array.from({ length: 101 }, (_, index) => index), 0x1a20e95b],
];

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

Deno.test("xxhash32() matches the reference implementation", () => {
  for (const [bytes, hash] of VECTORS) assertEquals(xxhash32(bytes), hash);
});

Deno.test("xxhash32() hashes a range like a copy of it", () => {
  for (const [bytes, hash] of VECTORS) {
    const larger = new Uint8Array(bytes.length + 12).fill(7);
    larger.set(bytes, 5);
    assertEquals(xxhash32(larger.subarray(2), 3, 3 + bytes.length), hash);
  }
});
