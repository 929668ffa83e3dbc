import { assert, assertEquals } from "@std/assert";
import { Random } from "../../random_testing.ts";
import { eachSeed } from "../../seeds_testing.ts";
import { content, text } from "../golden.testing.ts";
// deno-lint-ignore no-import-prefix
import { decompress as expandWithFzstd } from "npm:fzstd@0.1.1";
import { encodeZstd } from "./zstd_encoder.ts";
import { decompressZstd } from "./zstd.ts";
import { zstdFrames } from "./zstd_frame.ts";

function assertRoundTrip(bytes: Uint8Array, message: string): Uint8Array {
  const compressed = encodeZstd(bytes);
  assertEquals(zstdFrames(compressed)[0]?.contentSize, bytes.length, message);
  // Two decoders: that of Deno, which is zstd itself where supported, and fzstd.
  assertEquals(decompressZstd(compressed, bytes.length), bytes, message);
  assertEquals(expandWithFzstd(compressed), bytes, message);
  return compressed;
}

Deno.test("encodeZstd() output decodes at every small size", () => {
  for (let size = 0; size < 300; size++) {
    assertRoundTrip(text.subarray(0, size), `text of ${size} bytes`);
    assertRoundTrip(content.subarray(0, size), `pattern of ${size} bytes`);
  }
});

Deno.test("encodeZstd() output decodes around the block size of 128 KiB", () => {
  for (const size of [131_071, 131_072, 131_073, 262_144, 400_000]) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * index) >> 7);
    assertRoundTrip(bytes, `${size} bytes`);
    assertRoundTrip(new Uint8Array(size), `${size} zeros`);
  }
});

Deno.test("encodeZstd() output decodes with any number of sequences and lengths", async (t) => {
  await eachSeed(t, 1, (seed) => {
    const random = new Random(seed);
    for (let round = 0; round < 60; round++) {
      const bytes = new Uint8Array(random.below(round % 10 === 0 ? 300_000 : 2_000));
      const symbolCount = 1 + random.below(256);
      for (let position = 0; position < bytes.length;) {
        if (position > 0 && random.below(3) > 0) {
          const distance = 1 + random.below(position);
          for (
            let count = random.below(1 + random.below(400));
            count > 0 && position < bytes.length;
            count--
          ) {
            bytes[position] = bytes[position - distance]!;
            position++;
          }
        } else bytes[position++] = random.below(symbolCount);
      }
      assertRoundTrip(bytes, `round ${round}`);
    }
  });
});

Deno.test("encodeZstd() compresses repetitions, and hardly grows random bytes", () => {
  assert(assertRoundTrip(content, "pattern").length < 100);
  assert(assertRoundTrip(text, "text").length < text.length * 0.8);
  const noise = new Random(1).bytes(60_000);
  assertEquals(encodeZstd(noise).length, noise.length + 9 + 3);
});
