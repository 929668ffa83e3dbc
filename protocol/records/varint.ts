/**
 * Zig-zag varints as used in records: seven bits per byte, least significant first, with the top
 * bit set on all but the last byte. -1 is `01`, 1 is `02`.
 *
 * Writers need a `Uint8Array` with enough space and return the position after the value. Readers
 * never read beyond the given end.
 *
 * @module
 */

import { CorruptRecordError } from "./errors.ts";

/** Maximum size in bytes of a 32-bit varint. */
export const MAX_VARINT_SIZE = 5;

/** Maximum size in bytes of a 64-bit varint. */
export const MAX_VARLONG_SIZE = 10;

/** Size in bytes of the zig-zag varint of `value`, an int32. */
export function sizeOfVarint(value: number): number {
  // 38 - clz is 7 × size + remainder for a non-zero value; × 37 >> 8 divides by seven in that
  // range.
  const raw = (value << 1) ^ (value >> 31);
  return ((38 - Math.clz32(raw | 1)) * 37) >> 8;
}

/** Writes the zig-zag varint of `value`, an int32, and returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let raw = (value << 1) ^ (value >> 31);
  while (raw & ~0x7f) {
    bytes[position++] = (raw & 0x7f) | 0x80;
    raw >>>= 7;
  }
  bytes[position++] = raw;
  return position;
}

/**
 * Writes the zig-zag varint of `value`, a safe integer or the low 64 bits of a bigint, and returns
 * the position after it.
 */
export function writeVarlong(bytes: Uint8Array, position: number, value: number | bigint): number {
  if (typeof value === "bigint") return writeExactVarlong(bytes, position, value);
  if (value === (value | 0)) return writeVarint(bytes, position, value);
  // Zig-zag of a large value, in two exact halves: 2n, or 2(-n - 1) + 1 if negative.
  const magnitude = value < 0 ? -value - 1 : value;
  let low = (magnitude % 2 ** 27) * 2 + (value < 0 ? 1 : 0);
  let high = Math.floor(magnitude / 2 ** 27);
  for (let count = 0; count < 4; count++) {
    bytes[position++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  while (high > 0x7f) {
    bytes[position++] = (high % 0x80) | 0x80;
    high = Math.floor(high / 0x80);
  }
  bytes[position++] = high;
  return position;
}

/** Reads the zig-zag varint at `position` exactly, from bytes that have been validated. */
export function readExactVarlong(bytes: Uint8Array, position: number): bigint {
  let raw = 0n;
  for (let shift = 0n;; shift += 7n) {
    const byte = bytes[position++]!;
    raw |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  raw = BigInt.asUintN(64, raw);
  return raw & 1n ? -(raw >> 1n) - 1n : raw >> 1n;
}

function writeExactVarlong(bytes: Uint8Array, position: number, value: bigint): number {
  value = BigInt.asIntN(64, value);
  let raw = value < 0n ? -value * 2n - 1n : value * 2n;
  for (; raw >= 0x80n; raw >>= 7n) bytes[position++] = Number(raw & 0x7fn) | 0x80;
  bytes[position++] = Number(raw);
  return position;
}

/** A cursor over the fields of records. */
export class FieldReader {
  readonly bytes: Uint8Array;

  /** Position of the next field. */
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  /** Reads the next int32, which must end before `end`. */
  varint(end: number): number {
    const position = this.position;
    if (position < end) {
      const byte = this.bytes[position]!;
      if (byte < 0x80) {
        this.position = position + 1;
        return (byte >>> 1) ^ -(byte & 1);
      }
    }
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte(end);
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    return this.fail("a varint is longer than 5 bytes");
  }

  /**
   * Reads the next int64, which must end before `end`; outside ±(2^53 - 1) it is rounded to the
   * nearest number.
   */
  varlong(end: number): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte(end);
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    // 2^42 is the place of the tenth byte, with 28 bits in `low`. Only one bit of that byte counts.
    let high = 0;
    for (let unit = 1; unit < 2 ** 42; unit *= 0x80) {
      const byte = this.#byte(end);
      high += (byte & (unit === 2 ** 35 ? 1 : 0x7f)) * unit;
      if (byte < 0x80) {
        const magnitude = high * 2 ** 27 + (low >>> 1);
        return low & 1 ? -magnitude - 1 : magnitude;
      }
    }
    return this.fail("a varlong is longer than 10 bytes");
  }

  /**
   * Skips `size` bytes, where -1 means null; they must end before `end`. Returns their start.
   */
  skip(size: number, end: number): number {
    const position = this.position;
    if (size < -1 || size > end - position) {
      this.fail(`size of a field is ${size}, ${end - position} bytes are left`);
    }
    if (size > 0) this.position = position + size;
    return position;
  }

  /** @throws {CorruptRecordError} Always. */
  fail(problem: string): never {
    throw new CorruptRecordError(`Cannot read record near byte ${this.position}: ${problem}`);
  }

  #byte(end: number): number {
    if (this.position >= end) this.fail("a field runs past its end");
    return this.bytes[this.position++]!;
  }
}
