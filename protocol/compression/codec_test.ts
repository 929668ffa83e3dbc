import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Random } from "../random_testing.ts";
import { eachSeed } from "../seeds_testing.ts";
import { compress, decompress, DEFAULT_MAX_DECOMPRESSED_BYTES } from "./codec.ts";
import { CompressionType } from "./compression_type.ts";
import { CompressionError, DecompressedSizeError } from "./errors.ts";
import { content, text } from "./golden.testing.ts";

const TYPES = Object.entries(CompressionType);
const CODECS = TYPES.filter(([, type]) => type !== CompressionType.none);

Deno.test("compress() and decompress() round-trip every input with every codec", async (t) => {
  const inputs = [
    new Uint8Array(0),
    new Uint8Array([7]),
    text,
    content,
    new Uint8Array(3_000_000),
    new Random(1).bytes(60_000),
    Uint8Array.from({ length: 700_000 }, (_, index) => (index * index) >> 9),
    content.subarray(3, 20_001),
  ];
  for (const [name, type] of TYPES) {
    await t.step(name, () => {
      for (const input of inputs) {
        const before = input.slice();
        assertEquals(decompress(type, compress(type, input)), input, `${input.length} bytes`);
        assertEquals(input, before);
      }
    });
  }
});

Deno.test("compress() and decompress() return the input itself for type none", () => {
  assertStrictEquals(compress(CompressionType.none, content), content);
  assertStrictEquals(decompress(CompressionType.none, content), content);
});

Deno.test("decompress() reads a view in the middle of a buffer", async (t) => {
  for (const [name, type] of CODECS) {
    await t.step(name, () => {
      const compressed = compress(type, text);
      const buffer = new Uint8Array(compressed.length + 30).fill(0xaa);
      buffer.set(compressed, 13);
      const middle = buffer.subarray(13, 13 + compressed.length);
      assertEquals(decompress(type, middle), text);
    });
  }
});

Deno.test("decompress() rejects a decompression bomb at maxBytes, 100 MiB by default", async (t) => {
  assertEquals(DEFAULT_MAX_DECOMPRESSED_BYTES, 104_857_600);
  const bomb = new Uint8Array(DEFAULT_MAX_DECOMPRESSED_BYTES + 1);
  for (const [name, type] of TYPES) {
    await t.step(name, () => {
      const compressed = compress(type, bomb);
      const error = assertThrows(() => decompress(type, compressed), DecompressedSizeError);
      assertEquals(error.maxBytes, DEFAULT_MAX_DECOMPRESSED_BYTES);
      assertEquals(error.message, `Cannot decompress ${name}: size is over 104857600 bytes`);
      assertThrows(() => decompress(type, compressed, 1), DecompressedSizeError);
    });
  }
});

Deno.test("decompress() returns other bytes or throws CompressionError for corrupt input", async (t) => {
  for (const [name, type] of CODECS) {
    await t.step(name, (t) =>
      eachSeed(t, 1, (seed) => {
        const random = new Random(seed);
        const compressed = compress(type, text);
        for (let round = 0; round < 500; round++) {
          const damaged = compressed.slice(
            0,
            round % 5 === 0 ? random.below(compressed.length) : undefined,
          );
          for (let count = random.below(4); count >= 0 && damaged.length > 0; count--) {
            damaged[random.below(damaged.length)]! ^= 1 << random.below(8);
          }
          try {
            const expanded = decompress(type, damaged, 1_000_000);
            assert(expanded.length <= 1_000_000);
          } catch (error) {
            if (!(error instanceof CompressionError)) throw error;
          }
        }
        assertEquals(decompress(type, compressed), text);
      }));
  }
});

Deno.test("decompress() throws CompressionError for random bytes", async (t) => {
  await eachSeed(t, 1, (seed) => {
    const random = new Random(seed);
    for (const [, type] of CODECS) {
      for (let size = 0; size < 200; size++) {
        const noise = random.bytes(size);
        noise[0] = 0xff;
        assertThrows(() => decompress(type, noise), CompressionError);
      }
    }
  });
});

Deno.test("compress() rejects levels that a codec does not support", () => {
  const { none, gzip, snappy, lz4, zstd } = CompressionType;
  for (
    const [type, level] of [[gzip, 10], [gzip, -2], [gzip, 1.5], [lz4, 0], [lz4, 18], [
      zstd,
      23,
    ]] as const
  ) {
    assertThrows(() => compress(type, text, level), RangeError, `at level ${level}: levels are`);
  }
  for (const type of [none, snappy]) {
    assertThrows(() => compress(type, text, 1), RangeError, "it has no levels");
  }
});

Deno.test("compress() and decompress() reject unknown compression types", () => {
  const type = 5 as CompressionType;
  assertThrows(() => compress(type, text), CompressionError, "type 5: the last known is 4");
  assertThrows(() => decompress(type, text), CompressionError, "type 5: the last known is 4");
});
