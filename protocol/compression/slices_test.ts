import { assert, assertEquals } from "@std/assert";
import { compress, CompressionType } from "./mod.ts";
import { decompressInSlices, type WorkSlice } from "./slices.ts";
import { joinBytes } from "../primitives/writer.ts";

/**
 * Gives way at every opportunity, and counts the pauses since it was last told how many bytes are
 * held.
 */
class EagerSlice implements WorkSlice {
  readonly isOver = true;
  held = 0;
  pauses = 0;

  pause(): Promise<void> {
    this.pauses++;
    return Promise.resolve();
  }

  hold(bytes: number): void {
    this.held = bytes;
    this.pauses = 0;
  }
}

const MIB = 1024 * 1024;

for (
  const [name, frames] of [["gzip", 1], ["gzip", 3], ["zstd", 1], ["zstd", 3]] as const
) {
  Deno.test(`decompressInSlices() pauses while joining ${frames} × 6 MiB of ${name}, and counts all held memory`, async () => {
    const type = CompressionType[name];
    const frame = compress(type, new Uint8Array(6 * MIB).fill(7));
    const size = 6 * MIB * frames;
    const bytes = joinBytes(Array(frames).fill(frame), frames * frame.length);
    const slice = new EagerSlice();
    const expanded = await decompressInSlices(type, bytes, 64 * MIB, slice);
    assertEquals(expanded.length, size);
    assert(expanded.every((byte) => byte === 7));
    assertEquals(slice.held, 2 * size);
    assert(slice.pauses >= (frames === 1 && name === "zstd" ? 1 : size / MIB), `${slice.pauses}`);
  });
}

Deno.test("decompressInSlices() counts the snappy stream in addition to the current block", async () => {
  const type = CompressionType.snappy;
  const header = compress(type, new Uint8Array(0));
  const raw = rawBlock(3 * MIB);
  const bytes = joinBytes(
    [header, sizeOf(raw), raw, sizeOf(raw), raw],
    header.length + 2 * (4 + raw.length),
  );
  const held = new Set<number>();
  const slice = new EagerSlice();
  slice.hold = (size) => held.add(size);
  const expanded = await decompressInSlices(type, bytes, 64 * MIB, slice);
  assertEquals(expanded.length, 6 * MIB);
  // Ignore what is reported before any memory is allocated.
  held.delete(0);
  assertEquals([...held], [9 * MIB]);
});

function sizeOf({ length }: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, length);
  return bytes;
}

/** A raw block of `size` zeros: a literal, copies of 64 bytes, and the remainder. */
function rawBlock(size: number): Uint8Array {
  const out: number[] = [];
  for (let left = size;; left = Math.floor(left / 128)) {
    if (left < 128) {
      out.push(left);
      break;
    }
    out.push(left % 128 | 0x80);
  }
  // A literal of 64 zeros.
  out.push(60 << 2, 63, ...new Array(64).fill(0));
  for (let left = size - 64; left > 0; left -= 64) out.push(0xfe, 1, 0);
  return Uint8Array.from(out);
}
