import { assert, assertEquals, assertThrows } from "@std/assert";
// deno-lint-ignore no-import-prefix
import { snappyCompressor, snappyUncompressor } from "npm:hysnappy@1.1.1";
import { CompressionError, DecompressedSizeError } from "../errors.ts";
import { content, golden } from "../golden.testing.ts";
import { Random } from "../../random_testing.ts";
import { runSteps } from "../steps.ts";
import { compressSnappy, decompressSnappy, loadSnappy } from "./snappy.ts";
import { expandSnappyBlockSteps } from "./snappy_block.ts";
import { compressSnappyBlock, MAX_SNAPPY_BLOCK_SIZE } from "./snappy_compressor.ts";

const MAX = 10_000_000;
const XERIAL_HEADER = [
  ...[0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00], // magic
  ...[0, 0, 0, 1], // version
  ...[0, 0, 0, 1], // compatible version
];

function xerial(...blocks: Uint8Array[]): Uint8Array {
  return new Uint8Array([
    ...XERIAL_HEADER,
    ...blocks.flatMap((block) => [0, 0, block.length >> 8, block.length & 0xff, ...block]),
  ]);
}

Deno.test("decompressSnappy() reads a raw block written by librdkafka", () => {
  assertEquals(decompressSnappy(golden.snappyRaw, MAX), content);
});

Deno.test("decompressSnappy() reads a xerial stream of several blocks, as written by Java clients", () => {
  assertEquals(decompressSnappy(golden.snappyXerial, MAX), content);
});

Deno.test("decompressSnappy() reads every kind of element", () => {
  // deno-fmt-ignore
  const block = new Uint8Array([
    21,
    3 << 2, 1, 2, 3, 4, // literal of 4
    (0 << 2) | 1, 4, // match of 4, one byte of distance
    (2 << 2) | 2, 2, 0, // match of 3, two bytes of distance
    (4 << 2) | 3, 1, 0, 0, 0, // match of 5, four bytes of distance, overlapping itself
    60 << 2, 4, 5, 6, 7, 8, 9, // literal of 5, one byte of length
  ]);
  const expected = [1, 2, 3, 4, 1, 2, 3, 4, 3, 4, 3, 3, 3, 3, 3, 3, 5, 6, 7, 8, 9];
  assertEquals([...decompressSnappy(block, MAX)], expected);
});

Deno.test("compressSnappy() writes a xerial stream of 32 KiB blocks", () => {
  const compressed = compressSnappy(content);
  assertEquals([...compressed.subarray(0, 16)], XERIAL_HEADER);
  const view = new DataView(compressed.buffer, compressed.byteOffset);
  const size = view.getInt32(16);
  // 32768 and 7232 as varints, the decompressed sizes of the two blocks.
  assertEquals([...compressed.subarray(20, 23)], [0x80, 0x80, 0x02]);
  assertEquals([...compressed.subarray(20 + size + 4, 20 + size + 6)], [0xc0, 0x38]);
  assertEquals(decompressSnappy(compressed, MAX), content);
});

Deno.test("decompressSnappy() accepts a stream without blocks, and rejects empty input", () => {
  assertEquals(decompressSnappy(xerial(), MAX).length, 0);
  assertEquals(decompressSnappy(new Uint8Array([0]), MAX).length, 0);
  assertThrows(() => decompressSnappy(new Uint8Array(0), MAX), CompressionError);
});

Deno.test("decompressSnappy() rejects a total size over maxBytes", () => {
  const { length } = content;
  assertEquals(decompressSnappy(golden.snappyXerial, length).length, length);
  assertThrows(
    () => decompressSnappy(golden.snappyXerial, length - 1),
    DecompressedSizeError,
    "Cannot decompress snappy: size is over 39999 bytes",
  );
  assertThrows(() => decompressSnappy(golden.snappyRaw, length - 1), DecompressedSizeError);
});

Deno.test("decompressSnappy() rejects a size that the bytes cannot expand to", () => {
  const fourGigabytes = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]);
  assertThrows(() => decompressSnappy(fourGigabytes, 2 ** 33), CompressionError, "cannot expand");
  assertThrows(() => decompressSnappy(xerial(fourGigabytes), 2 ** 33), CompressionError);
  const unending = new Uint8Array(20).fill(0x80);
  assertThrows(() => decompressSnappy(unending, MAX), CompressionError);
});

Deno.test("decompressSnappy() rejects blocks that expand to less or more than they state", () => {
  const less = new Uint8Array([5, 3 << 2, 1, 2, 3, 4]);
  const more = new Uint8Array([3, 3 << 2, 1, 2, 3, 4]);
  const before = new Uint8Array([8, 3 << 2, 1, 2, 3, 4, (0 << 2) | 1, 5]);
  for (const block of [less, more, before]) {
    assertThrows(() => decompressSnappy(block, MAX), CompressionError);
    assertThrows(() => decompressSnappy(xerial(block), MAX), CompressionError);
  }
});

Deno.test("decompressSnappy() rejects input truncated at any byte", () => {
  const streams = [golden.snappyRaw, compressSnappy(content.subarray(0, 1000))];
  for (const stream of streams) {
    // After the header, a stream may end with any block.
    for (let size = 0; size < stream.length; size++) {
      if (stream !== golden.snappyRaw && size === XERIAL_HEADER.length) continue;
      assertThrows(() => decompressSnappy(stream.subarray(0, size), MAX), CompressionError);
    }
  }
});

Deno.test("decompressSnappy() rejects block sizes below zero and beyond the end", () => {
  const stream = xerial(new Uint8Array([1, 0, 7]));
  assertEquals([...decompressSnappy(stream, MAX)], [7]);
  new DataView(stream.buffer).setInt32(16, 4);
  assertThrows(() => decompressSnappy(stream, MAX), CompressionError, "is 4 bytes, 3 are left");
  new DataView(stream.buffer).setInt32(16, -1);
  assertThrows(() => decompressSnappy(stream, MAX), CompressionError, "is -1 bytes");
});

Deno.test("decompressSnappy() works after a corrupt block and after a large one", () => {
  assertThrows(() => decompressSnappy(new Uint8Array([5, 3 << 2, 1]), MAX), CompressionError);
  const large = new Uint8Array(5_000_000);
  assertEquals(decompressSnappy(compressSnappy(large), MAX).length, large.length);
  assertEquals(decompressSnappy(golden.snappyRaw, MAX), content);
});

/** Bytes of every kind: from incompressible to a single one repeated, with matches near and far. */
function* samples(): Generator<Uint8Array> {
  const random = new Random(1);
  for (
    const size of [
      0,
      1,
      3,
      4,
      5,
      59,
      60,
      61,
      62,
      255,
      256,
      257,
      258,
      2047,
      2048,
      2060,
      32 * 1024,
      MAX_SNAPPY_BLOCK_SIZE,
    ]
  ) {
    for (const symbols of [1, 2, 16, 256]) {
      const bytes = Uint8Array.from({ length: size }, () => random.below(symbols));
      yield bytes;
      yield bytes.map((byte, index) =>
        index < size / 2 ? byte : bytes[index - Math.ceil(size / 2)]!
      );
    }
  }
}

/** Decompresses a block as before WebAssembly is loaded. */
function expandHere(block: Uint8Array, size: number): Uint8Array {
  const start = block.findIndex((byte) => byte < 0x80) + 1;
  return runSteps(expandSnappyBlockSteps(block.subarray(start), size));
}

Deno.test("compressSnappyBlock() writes what WebAssembly reads, and the other way around", () => {
  const [compress, expand] = [snappyCompressor(), snappyUncompressor()];
  for (const bytes of samples()) {
    const block = compressSnappyBlock(bytes);
    assert(block.length <= 32 + bytes.length + bytes.length / 6, `${bytes.length} bytes grow`);
    assertEquals(expandHere(block, bytes.length), bytes);
    if (bytes.length === 0) continue;
    assertEquals(expand(block, bytes.length), bytes);
    assertEquals(expandHere(compress(bytes), bytes.length), bytes);
  }
});

Deno.test("compressSnappyBlock() finds matches as WebAssembly does", () => {
  const bytes = content.subarray(0, 32 * 1024);
  const { length } = snappyCompressor()(bytes);
  assert(compressSnappyBlock(bytes).length < 1.05 * length);
});

Deno.test("decompressSnappy() reads the same before and after WebAssembly is loaded", async () => {
  const compressed = compressSnappy(content);
  assertEquals(decompressSnappy(compressed, MAX), content);
  await loadSnappy();
  assertEquals(decompressSnappy(compressed, MAX), content);
  assertEquals(decompressSnappy(compressSnappy(content), MAX), content);
});
