import { assertEquals, assertThrows } from "@std/assert";
import { CompressionError, DecompressedSizeError } from "./errors.ts";
import { content, golden } from "./golden.testing.ts";
import { compressGzip, decompressGzip } from "./gzip.ts";

const MAX = 1_000_000;

Deno.test("decompressGzip() reads output of CPython", () => {
  assertEquals(decompressGzip(golden.gzip, MAX), content);
});

Deno.test("decompressGzip() reads several consecutive members", () => {
  const first = compressGzip(content.subarray(0, 100));
  const second = compressGzip(content.subarray(100));
  const both = new Uint8Array([...first, ...second]);
  assertEquals(decompressGzip(both, MAX), content);
});

Deno.test("decompressGzip() accepts maxBytes and rejects one byte more", () => {
  assertEquals(decompressGzip(golden.gzip, content.length), content);
  const error = assertThrows(
    () => decompressGzip(golden.gzip, content.length - 1),
    DecompressedSizeError,
    "Cannot decompress gzip: size is over 39999 bytes",
  );
  assertEquals(error.maxBytes, 39999);
});

Deno.test("decompressGzip() rejects output over maxBytes whatever size the trailer states", () => {
  const lying = golden.gzip.slice();
  lying.fill(0, lying.length - 4);
  assertThrows(() => decompressGzip(lying, 1000), DecompressedSizeError);
  lying.fill(0xff, lying.length - 4);
  assertThrows(() => decompressGzip(lying, MAX), CompressionError);
});

Deno.test("decompressGzip() rejects input truncated at any byte", () => {
  for (let size = 0; size < golden.gzip.length; size++) {
    assertThrows(() => decompressGzip(golden.gzip.subarray(0, size), MAX), CompressionError);
  }
});

Deno.test("compressGzip() applies the level, where 0 stores", () => {
  const sizes = [0, 1, 9].map((level) => compressGzip(content, level).length);
  assertEquals(sizes[0]! > content.length, true);
  assertEquals(sizes[1]! < sizes[0]! && sizes[2]! <= sizes[1]!, true);
  assertEquals(compressGzip(content), compressGzip(content, 6));
});

Deno.test("compressGzip() and decompressGzip() return plain Uint8Arrays, whose slice() copies", () => {
  const compressed = compressGzip(content);
  assertEquals(Object.getPrototypeOf(compressed), Uint8Array.prototype);
  assertEquals(Object.getPrototypeOf(decompressGzip(compressed, MAX)), Uint8Array.prototype);
});
