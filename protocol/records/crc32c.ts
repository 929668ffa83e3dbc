/**
 * CRC-32C (Castagnoli, RFC 3720), the checksum of a record batch.
 *
 * Slice-by-16: sixteen tables of 256 entries, concatenated in one `Int32Array`, process sixteen
 * bytes per step with independent table lookups. Table `k` holds the CRC of a byte followed by `k`
 * zero bytes. Long input is first folded to a short one (`crc32c_fold.ts`) without lookups.
 *
 * @module
 */

import { foldCrc32c } from "./crc32c_fold.ts";

/** The polynomial 0x1EDC6F41, bit-reflected. */
const POLYNOMIAL = 0x82f63b78;

/** Below this size, creating the view for slicing costs more than slicing saves. */
const MIN_SLICED_SIZE = 64;

/** Below this size, folding costs more than it saves. */
const MIN_FOLDED_SIZE = 2048;

const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1));
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index++) {
    const previous = tables[index - 256]!;
    tables[index] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

/**
 * Returns the CRC-32C of `bytes[start, end)`, as an unsigned 32-bit number.
 *
 * @throws {RangeError} If `start` and `end` are not ascending positions within `bytes`.
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  if (!(start >= 0 && start <= end && end <= bytes.length)) {
    throw new RangeError(
      `Cannot compute CRC-32C of bytes ${start} to ${end}: there are ${bytes.length} bytes`,
    );
  }
  if (end - start >= MIN_FOLDED_SIZE) {
    const folded = foldCrc32c(bytes, start, end);
    if (folded !== undefined) return sliced(folded, 0, folded.length);
  }
  return sliced(bytes, start, end);
}

function sliced(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let position = start;
  if (end - start >= MIN_SLICED_SIZE) {
    while ((bytes.byteOffset + position) % 4 !== 0) {
      crc = (crc >>> 8) ^ TABLES[(crc ^ bytes[position++]!) & 0xff]!;
    }
    const stepCount = (end - position) >>> 4;
    crc = addSteps(crc, new Int32Array(bytes.buffer, bytes.byteOffset + position, stepCount * 4));
    position += stepCount * 16;
  }
  while (position < end) crc = (crc >>> 8) ^ TABLES[(crc ^ bytes[position++]!) & 0xff]!;
  return ~crc >>> 0;
}

/**
 * Processes whole steps of four little-endian words, the byte order of every platform Deno
 * supports. Lookups that do not depend on the previous step come first, so they do not wait for it.
 */
function addSteps(crc: number, words: Int32Array): number {
  const t = TABLES;
  for (let index = 0; index < words.length; index += 4) {
    const b = words[index + 1]!;
    const c = words[index + 2]!;
    const d = words[index + 3]!;
    const rest = t[0xb00 + (b & 0xff)]! ^ t[0xa00 + ((b >>> 8) & 0xff)]! ^
      t[0x900 + ((b >>> 16) & 0xff)]! ^ t[0x800 + (b >>> 24)]! ^
      t[0x700 + (c & 0xff)]! ^ t[0x600 + ((c >>> 8) & 0xff)]! ^
      t[0x500 + ((c >>> 16) & 0xff)]! ^ t[0x400 + (c >>> 24)]! ^
      t[0x300 + (d & 0xff)]! ^ t[0x200 + ((d >>> 8) & 0xff)]! ^
      t[0x100 + ((d >>> 16) & 0xff)]! ^ t[d >>> 24]!;
    const a = crc ^ words[index]!;
    crc = rest ^ t[0xf00 + (a & 0xff)]! ^ t[0xe00 + ((a >>> 8) & 0xff)]! ^
      t[0xd00 + ((a >>> 16) & 0xff)]! ^ t[0xc00 + (a >>> 24)]!;
  }
  return crc;
}
