import { assertEquals, assertThrows } from "@std/assert";
import { CompressionError, DecompressedSizeError } from "../errors.ts";
import { content, golden, text } from "../golden.testing.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";
import { zstdFrames } from "./zstd_frame.ts";

const MAX = 10_000_000;
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

Deno.test("decompressZstd() reads frames with and without content size and checksum", () => {
  assertEquals(decompressZstd(golden.zstdSize, MAX), content);
  assertEquals(decompressZstd(golden.zstdStream, MAX), content);
  assertEquals(decompressZstd(golden.zstdStreamChecksum, MAX), content);
});

Deno.test("decompressZstd() reads Huffman literals and FSE tables", () => {
  assertEquals(decompressZstd(golden.zstdText, MAX), text);
});

Deno.test("decompressZstd() reads several consecutive frames and skips skippable ones", () => {
  const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
  const all = new Uint8Array([...golden.zstdText, ...skippable, ...golden.zstdSize]);
  assertEquals(decompressZstd(all, MAX), new Uint8Array([...text, ...content]));
});

Deno.test("decompressZstd() rejects input truncated at any byte", () => {
  const frames = [golden.zstdSize, golden.zstdStream, golden.zstdStreamChecksum, golden.zstdText];
  for (const bytes of [...frames, compressZstd(text)]) {
    for (let size = 0; size < bytes.length; size++) {
      assertThrows(() => decompressZstd(bytes.subarray(0, size), MAX), CompressionError);
    }
  }
});

Deno.test("decompressZstd() accepts maxBytes and rejects one byte more", () => {
  for (const bytes of [golden.zstdSize, golden.zstdStream, golden.zstdStreamChecksum]) {
    assertEquals(decompressZstd(bytes, content.length), content);
    assertThrows(
      () => decompressZstd(bytes, content.length - 1),
      DecompressedSizeError,
      "Cannot decompress zstd: size is over 39999 bytes",
    );
  }
});

Deno.test("decompressZstd() rejects a bomb of run-length blocks", () => {
  // Blocks of four bytes that expand to 128 KiB each, in a frame that states no size.
  const block = [((1 << 1) | (131072 << 3)) & 0xff, 0, 0x10, 7];
  const blocks = Array.from({ length: 1000 }, () => block).flat();
  const bomb = new Uint8Array([...MAGIC, 0x00, 0x58, ...blocks, 1, 0, 0]);
  assertEquals(zstdFrames(bomb)[0]?.maxSize, 131_072_000);
  assertThrows(() => decompressZstd(bomb, 100_000_000), DecompressedSizeError);
});

Deno.test("decompressZstd() rejects a content size that the blocks do not have", () => {
  const raw = (size: number) => new Uint8Array([...MAGIC, 0x20, size, 1 | (3 << 3), 0, 0, 1, 2, 3]);
  assertEquals([...decompressZstd(raw(3), MAX)], [1, 2, 3]);
  assertThrows(() => decompressZstd(raw(4), MAX), CompressionError, "4 bytes are stated");
  assertThrows(() => decompressZstd(raw(2), MAX), CompressionError);
});

Deno.test("decompressZstd() rejects unsupported frames", async (t) => {
  const frames: Record<string, number[]> = {
    "another magic": [1, 2, 3, 4, 5, 6, 7, 8],
    "reserved bit of the descriptor": [...MAGIC, 0x28, 0, 1, 0, 0],
    "a window of 256 MiB": [...MAGIC, 0x00, 18 << 3, 1, 0, 0],
    "reserved block type": [...MAGIC, 0x20, 0, 1 | (3 << 1), 0, 0],
    "a block over 128 KiB": [...MAGIC, 0x00, 0x58, 1 | (1 << 1), 0x00, 0x20, 7],
  };
  for (const [name, bytes] of Object.entries(frames)) {
    await t.step(name, () => {
      assertThrows(() => decompressZstd(new Uint8Array(bytes), MAX), CompressionError);
    });
  }
});

Deno.test("decompressZstd() rejects corrupt blocks", () => {
  const corrupt = golden.zstdText.slice();
  corrupt.fill(0xff, 20, 120);
  assertThrows(() => decompressZstd(corrupt, MAX), CompressionError);
});

Deno.test("compressZstd() states the content size, and accepts every level", () => {
  for (const level of [undefined, -131072, -5, 0, 1, 3, 19, 22]) {
    for (const bytes of [new Uint8Array(0), text, content]) {
      const compressed = compressZstd(bytes, level);
      assertEquals(zstdFrames(compressed)[0]?.contentSize, bytes.length);
      assertEquals(decompressZstd(compressed, MAX), bytes);
    }
  }
});

Deno.test("zstdFrames() returns each frame, with its content size if stated", () => {
  const { zstdSize, zstdStreamChecksum } = golden;
  const frames = zstdFrames(new Uint8Array([...zstdStreamChecksum, ...zstdSize]));
  assertEquals(frames.map((frame) => frame.bytes), [zstdStreamChecksum, zstdSize]);
  assertEquals(frames.map((frame) => frame.contentSize), [undefined, content.length]);
});
