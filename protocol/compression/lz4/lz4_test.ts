import { assert, assertEquals, assertThrows } from "@std/assert";
import { CompressionError, DecompressedSizeError } from "../errors.ts";
import { content, golden } from "../golden.testing.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { xxhash32 } from "./xxhash32.ts";

const MAX = 10_000_000;

/** A frame with the given FLG and no optional header fields, in blocks of at most 64 KiB. */
function frame(flags: number, ...rest: number[]): Uint8Array {
  const header = [flags, 4 << 4];
  const checksum = xxhash32(new Uint8Array(header)) >>> 8 & 0xff;
  return new Uint8Array([0x04, 0x22, 0x4d, 0x18, ...header, checksum, ...rest]);
}

/** A block of the given data, whose size must be below 256. */
function block(...data: number[]): number[] {
  return [data.length, 0, 0, 0, ...data];
}

const END = [0, 0, 0, 0];
const INDEPENDENT = 0x60;
const LINKED = 0x40;

Deno.test("decompressLz4() reads linked blocks with block and content checksums", () => {
  const expanded = decompressLz4(golden.lz4Linked, MAX);
  assertEquals(expanded.length, 4 * content.length);
  for (let start = 0; start < expanded.length; start += content.length) {
    assertEquals(expanded.subarray(start, start + content.length), content);
  }
});

Deno.test("decompressLz4() reads frames with and without content size", () => {
  assertEquals(decompressLz4(golden.lz4KafkaPython, MAX), content);
  assertEquals(decompressLz4(golden.lz4Plain, MAX), content);
});

Deno.test("decompressLz4() accepts the header checksum of KAFKA-3160, and no other wrong one", () => {
  assertEquals(decompressLz4(golden.lz4OldHeader, MAX), content);
  const wrong = golden.lz4Plain.slice();
  wrong[6]! ^= 1;
  assertThrows(() => decompressLz4(wrong, MAX), CompressionError, "header checksum");
});

Deno.test("decompressLz4() rejects wrong block and content checksums", () => {
  const wrongContent = golden.lz4Linked.slice();
  wrongContent[wrongContent.length - 1]! ^= 1;
  assertThrows(() => decompressLz4(wrongContent, MAX), CompressionError, "content checksum");
  const wrongBlock = golden.lz4Linked.slice();
  const size = new DataView(wrongBlock.buffer).getUint32(7, true);
  wrongBlock[7 + 4 + size]! ^= 1;
  assertThrows(() => decompressLz4(wrongBlock, MAX), CompressionError, "block checksum");
});

Deno.test("decompressLz4() reads several consecutive frames and skips skippable ones", () => {
  const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
  const all = new Uint8Array([...golden.lz4Plain, ...skippable, ...golden.lz4OldHeader]);
  const expanded = decompressLz4(all, MAX);
  assertEquals(expanded.length, 2 * content.length);
  assertEquals(expanded.subarray(content.length), content);
});

Deno.test("decompressLz4() allows matches into the previous block only if blocks are linked", () => {
  const first = block(0x40, 1, 2, 3, 4);
  const second = block(0x00, 4, 0, 0x10, 9); // match of 4 at distance 4, literal
  const linked = frame(LINKED, ...first, ...second, ...END);
  assertEquals([...decompressLz4(linked, MAX)], [1, 2, 3, 4, 1, 2, 3, 4, 9]);
  const independent = frame(INDEPENDENT, ...first, ...second, ...END);
  assertThrows(() => decompressLz4(independent, MAX), CompressionError, "match distance is 4, 0");
});

Deno.test("decompressLz4() reads stored blocks", () => {
  const stored = frame(INDEPENDENT, 3, 0, 0, 0x80, 7, 8, 9, ...END);
  assertEquals([...decompressLz4(stored, MAX)], [7, 8, 9]);
});

Deno.test("decompressLz4() copies matches of every distance and length, overlapping or not", () => {
  for (let distance = 1; distance <= 40; distance++) {
    for (const length of [4, 7, 18, 19, 33, 64, 255, 300, 700]) {
      const literals = Array.from({ length: distance }, (_, index) => index + 1);
      const extended = (count: number) => {
        if (count < 15) return [];
        const bytes = new Array<number>(Math.floor((count - 15) / 255)).fill(255);
        return [...bytes, (count - 15) % 255];
      };
      const data = [
        (Math.min(distance, 15) << 4) | Math.min(length - 4, 15),
        ...extended(distance),
        ...literals,
        ...[distance, 0],
        ...extended(length - 4),
        ...[0x10, 99],
      ];
      const expected = [...literals];
      for (let index = 0; index < length; index++) expected.push(expected[index]!);
      expected.push(99);
      const expanded = decompressLz4(frame(INDEPENDENT, ...block(...data), ...END), MAX);
      assertEquals([...expanded], expected, `distance ${distance}, length ${length}`);
    }
  }
});

Deno.test("decompressLz4() rejects malformed blocks", async (t) => {
  const blocks: Record<string, number[]> = {
    "no bytes of a token": [],
    "fewer literals than stated": [0x40, 1, 2, 3],
    "a length that does not end": [0xf0, 255, 255],
    "no distance": [0x10, 1, 1],
    "distance zero": [0x10, 1, 0, 0, 0x10, 1],
    "a distance before the start": [0x10, 1, 2, 0, 0x10, 1],
    "a match length that does not end": [0x1f, 1, 1, 0, 255],
    "no last literals": [0x10, 1, 1, 0],
  };
  for (const [name, data] of Object.entries(blocks)) {
    await t.step(name, () => {
      const size = [data.length, 0, 0, data.length === 0 ? 0x80 : 0];
      const bytes = frame(INDEPENDENT, ...size, ...data, ...END);
      if (data.length === 0) assertEquals(decompressLz4(bytes, MAX).length, 0);
      else assertThrows(() => decompressLz4(bytes, MAX), CompressionError, "Cannot decompress lz4");
    });
  }
});

Deno.test("decompressLz4() rejects a block that is larger than the frame's maximum", () => {
  // One literal, then a match of 15 + 4 + 300 × 255 bytes: over 64 KiB.
  const data = [0x1f, 1, 1, 0, ...new Array<number>(300).fill(255), 0, 0x10, 1];
  const bytes = frame(INDEPENDENT, data.length & 0xff, data.length >> 8, 0, 0, ...data, ...END);
  assertThrows(() => decompressLz4(bytes, MAX), CompressionError, "more than its frame states");
});

Deno.test("decompressLz4() rejects unsupported headers", async (t) => {
  const headers: Record<string, [number, number]> = {
    "version 0": [0x20, 0x40],
    "version 2": [0xa0, 0x40],
    "reserved bit of FLG": [0x62, 0x40],
    "a dictionary": [0x61, 0x40],
    "block size code 3": [0x60, 0x30],
    "block size code 8": [0x60, 0x80],
    "reserved bits of BD": [0x60, 0x41],
  };
  for (const [name, header] of Object.entries(headers)) {
    await t.step(name, () => {
      const checksum = xxhash32(new Uint8Array(header)) >>> 8 & 0xff;
      const bytes = new Uint8Array([0x04, 0x22, 0x4d, 0x18, ...header, checksum, ...END]);
      assertThrows(() => decompressLz4(bytes, MAX), CompressionError, "frame header is");
    });
  }
  await t.step("another magic", () => {
    assertThrows(() => decompressLz4(new Uint8Array(20), MAX), CompressionError, "magic is 0");
  });
});

Deno.test("decompressLz4() rejects a frame that does not match its content size", () => {
  for (const change of [-1, 1]) {
    const compressed = compressLz4(content);
    new DataView(compressed.buffer).setUint32(6, content.length + change, true);
    compressed[14] = xxhash32(compressed, 4, 14) >>> 8;
    assertThrows(() => decompressLz4(compressed, MAX), CompressionError, "state");
  }
  const compressed = compressLz4(content);
  compressed.fill(0xff, 6, 14);
  compressed[14] = xxhash32(compressed, 4, 14) >>> 8;
  assertThrows(() => decompressLz4(compressed, MAX), DecompressedSizeError);
});

Deno.test("decompressLz4() accepts maxBytes and rejects one byte more", () => {
  for (const bytes of [golden.lz4KafkaPython, golden.lz4Plain, compressLz4(content)]) {
    assertEquals(decompressLz4(bytes, content.length), content);
    assertThrows(
      () => decompressLz4(bytes, content.length - 1),
      DecompressedSizeError,
      "Cannot decompress lz4: size is over 39999 bytes",
    );
  }
  const stored = frame(INDEPENDENT, 3, 0, 0, 0x80, 7, 8, 9, ...END);
  assertThrows(() => decompressLz4(stored, 2), DecompressedSizeError);
});

Deno.test("decompressLz4() rejects input truncated at any byte", () => {
  for (const bytes of [golden.lz4Linked, golden.lz4KafkaPython, compressLz4(content)]) {
    for (let size = 0; size < bytes.length; size++) {
      assertThrows(() => decompressLz4(bytes.subarray(0, size), MAX), CompressionError);
    }
  }
});

Deno.test("compressLz4() writes independent blocks and the content size", () => {
  const compressed = compressLz4(content);
  assertEquals([...compressed.subarray(0, 6)], [0x04, 0x22, 0x4d, 0x18, 0x68, 0x40]);
  const view = new DataView(compressed.buffer, compressed.byteOffset);
  assertEquals(view.getUint32(6, true), content.length);
  assertEquals(view.getUint32(10, true), 0);
});

Deno.test("compressLz4() picks the smallest sufficient block size, up to 1 MiB", () => {
  const codes = [65_536, 65_537, 262_145, 1_048_577, 5_000_000].map((size) => {
    const compressed = compressLz4(new Uint8Array(size));
    assertEquals(decompressLz4(compressed, MAX).length, size);
    return compressed[5]! >> 4;
  });
  assertEquals(codes, [4, 5, 6, 6, 6]);
});

Deno.test("compressLz4() stores a block that does not shrink", () => {
  const noise = new Uint8Array(10_000);
  for (let index = 0, state = 1; index < noise.length; index++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    noise[index] = state >>> 24;
  }
  const compressed = compressLz4(noise);
  assertEquals(compressed.length, 15 + 4 + noise.length + 4);
  assertEquals(decompressLz4(compressed, MAX), noise);
  assert(compressed.subarray(-4).every((byte) => byte === 0));
});

Deno.test("compressLz4() accepts every level, and higher levels give smaller frames", () => {
  // Mostly random bytes, with some repetitions.
  const text = new Uint8Array(60_000);
  let state = 1;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    return (state ^= state << 5) >>> 0;
  };
  for (let index = 0, next = 0; index < text.length; index++) {
    if (index - next >= 10) next = index + 20 + random() % 500;
    text[index] = index >= next ? index - next : random();
  }
  const sizes = Array.from({ length: 17 }, (_, index) => {
    const frame = compressLz4(text, index + 1);
    assertEquals(decompressLz4(frame, MAX), text);
    return frame.length;
  });
  assert(sizes[0]! > sizes[8]!);
  assert(sizes[8]! >= sizes[16]!);
  assertEquals(compressLz4(text).length, sizes[8]);
});
