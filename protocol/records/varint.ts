/**
 * Zig-zag varints, as records hold them: seven bits a byte, least significant first, the top bit
 * set on all but the last. -1 is `01`, 1 is `02`.
 *
 * Writing goes to a `Uint8Array` with room enough, and returns the position after what was written.
 * Reading never looks at a byte beyond the end it is given.
 *
 * @module
 */

import { CorruptRecordError } from "./errors.ts";

/** The most bytes a varint of 32 bits takes. */
export const MAX_VARINT_SIZE = 5;

/** The most bytes a varint of 64 bits takes. */
export const MAX_VARLONG_SIZE = 10;

/** The bytes that the zig-zag varint of `value`, an int32, takes. */
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
 * Writes the zig-zag varint of `value`, a safe integer or the low 64 bits of a bigint, and returns the
 * position after it.
 */
export function writeVarlong(bytes: Uint8Array, position: number, value: number | bigint): number {
  if (typeof value === "bigint") return writeExactVarlong(bytes, position, value);
  if (value === (value | 0)) return writeVarint(bytes, position, value);
  // Zig-zag of a wide value, in two halves that stay exact: 2n, or 2(-n - 1) + 1 when negative.
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

/** The zig-zag varint at `position` of bytes that were gone through before, exact to the last bit. */
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

  /** Where the next field starts. */
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  /** The next int32, which must end before `end`. */
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

  /** The next int64, which must end before `end`; beyond ±(2^53 - 1) it is the nearest number. */
  varlong(end: number): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte(end);
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    // 2^42 is where the tenth byte ends, 28 bits being in `low`. Of that byte one bit counts.
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
   * Steps over `size` bytes, -1 meaning null, which must end before `end`; returns where they
   * start.
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
