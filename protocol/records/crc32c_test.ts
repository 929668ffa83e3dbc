import { assertEquals, assertThrows } from "@std/assert";
import { crc32c } from "./crc32c.ts";

/** RFC 3720, appendix B.4, and the check value of the CRC catalogue. */
const VECTORS: [name: string, bytes: Uint8Array, crc: number][] = [
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 ascending", Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ["32 descending", Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
  [
    "an iSCSI SCSI Read (10) command PDU",
    // deno-fmt-ignore
    new Uint8Array([
      0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
      0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ]),
    0xd9963a56,
  ],
  ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
  ["nothing", new Uint8Array(0), 0],
];

/** Bit by bit, following the definition. */
function crc32cByDefinition(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

Deno.test("crc32c() returns the values of RFC 3720", () => {
  for (const [name, bytes, crc] of VECTORS) assertEquals(crc32c(bytes), crc, name);
});

Deno.test("crc32c() matches the definition at every size and alignment", () => {
  const buffer = new ArrayBuffer(400);
  const all = new Uint8Array(buffer);
  for (let index = 0; index < all.length; index++) all[index] = (index * 167 + (index >> 3)) & 0xff;
  for (let start = 0; start < 9; start++) {
    for (let size = 0; size < 180; size++) {
      const expected = crc32cByDefinition(all.slice(start, start + size));
      assertEquals(crc32c(all, start, start + size), expected, `${start} and ${size}`);
      assertEquals(crc32c(new Uint8Array(buffer, start, size)), expected, `${start} and ${size}`);
      assertEquals(
        crc32c(all.subarray(5), 1, 1 + size),
        crc32cByDefinition(all.slice(6, 6 + size)),
      );
    }
  }
});

Deno.test("crc32c() matches the definition for long input, which is folded", () => {
  // Sizes around the start of folding, and around the end of a block.
  const sizes = [2047, 2048, 2049, 32_768, 33_057, 33_058, 33_059, 33_122, 33_123, 100_001];
  const all = Uint8Array.from({ length: 100_010 }, (_, index) => (index * 167) >> 3);
  for (const size of sizes) {
    for (const start of [0, 1, 6]) {
      const expected = crc32cByDefinition(all.subarray(start, start + size));
      assertEquals(crc32c(all, start, start + size), expected, `${start} and ${size}`);
    }
  }
  for (let size = 2048; size < 2048 + 64; size++) {
    assertEquals(crc32c(all, 3, 3 + size), crc32cByDefinition(all.subarray(3, 3 + size)));
  }
});

Deno.test("crc32c() rejects positions outside the bytes", () => {
  const bytes = new Uint8Array(10);
  for (const [start, end] of [[0, 11], [-1, 5], [6, 5], [NaN, 5], [0, NaN]] as const) {
    assertThrows(() => crc32c(bytes, start, end), RangeError, "there are 10 bytes");
  }
});
