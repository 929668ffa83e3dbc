/**
 * Encodings of numbers in format strings: `%V{big32}`, `%o{hex16}`, `%K{ascii}`.
 *
 * Writing truncates numbers to the bits of the encoding. Reading is unsigned, except that the four
 * and eight byte encodings can be read as signed.
 *
 * @module
 */

import type { ByteBuffer } from "../terminal/byte_buffer.ts";

const TWO_POW_32 = 2 ** 32;

/** An encoding of numbers. */
export interface NumberEncoding {
  /** Name of the modifier. */
  readonly name: string;
  /** Size in bytes; undefined if it depends on the number. */
  readonly size: number | undefined;
  /** Appends `value`. */
  write(value: number, buffer: ByteBuffer): void;
  /**
   * Reads the number at `bytes[position]`, where at least `size` bytes are available.
   *
   * @throws {SyntaxError} If the bytes are not such a number.
   * @throws {RangeError} If it exceeds 2^53-1.
   */
  read(bytes: Uint8Array, position: number, signed: boolean): number;
}

const ascii: NumberEncoding = {
  name: "ascii",
  size: undefined,
  write(value, buffer) {
    buffer.text(String(value));
  },
  read(bytes, position) {
    const text = latin1(bytes, position, bytes.length);
    const value = Number(text);
    if (!/^-?\d+$/.test(text)) throw new SyntaxError(`expected a number, found "${text}"`);
    return checkedSafe(value, text);
  },
};

const bool: NumberEncoding = {
  name: "bool",
  size: undefined,
  write(value, buffer) {
    buffer.text(value === 0 ? "false" : "true");
  },
  read(bytes, position) {
    const text = latin1(bytes, position, bytes.length);
    if (text === "true") return 1;
    if (text === "false") return 0;
    throw new SyntaxError(`expected true or false, found "${text}"`);
  },
};

/** All encodings by name of the modifier. */
export const NUMBER_ENCODINGS: ReadonlyMap<string, NumberEncoding> = new Map(
  [
    ascii,
    bool,
    hex("hex64", 64),
    hex("hex32", 32),
    hex("hex16", 16),
    hex("hex8", 8),
    hex("hex4", 4),
    binary("big64", 8, false),
    binary("big32", 4, false),
    binary("big16", 2, false),
    binary("big8", 1, false),
    binary("little64", 8, true),
    binary("little32", 4, true),
    binary("little16", 2, true),
    binary("little8", 1, true),
    binary("byte", 1, false),
  ].map((encoding) => [encoding.name, encoding]),
);

/** The default encoding. */
export const ASCII_NUMBER = ascii;

/** Whether a byte can be part of a number of variable size (`-`, digits), or of true and false. */
export function isNumberByte(encoding: NumberEncoding, byte: number, index: number): boolean {
  if (encoding === bool) return byte >= 0x61 && byte <= 0x7a && index < "false".length;
  return (byte >= 0x30 && byte <= 0x39) || (byte === 0x2d && index === 0);
}

function hex(name: string, bits: number): NumberEncoding {
  const size = bits / 4;
  return {
    name,
    size,
    write(value, buffer) {
      const [high, low] = wordsOf(value).map((word) => word.toString(16).padStart(8, "0"));
      buffer.text((high! + low!).slice(-size));
    },
    read(bytes, position, signed) {
      const text = latin1(bytes, position, position + size);
      if (!/^[0-9a-f]+$/i.test(text)) {
        throw new SyntaxError(`expected ${size} hex digits, found "${text}"`);
      }
      const low = Number.parseInt(text.slice(-8), 16);
      const high = size <= 8 ? 0 : Number.parseInt(text.slice(0, -8), 16);
      return signedOrNot(high, low, bits, signed, text);
    },
  };
}

function binary(name: string, size: number, littleEndian: boolean): NumberEncoding {
  return {
    name,
    size,
    write(value, buffer) {
      const [high, low] = wordsOf(value);
      for (let i = 0; i < size; i++) {
        const index = littleEndian ? i : size - 1 - i;
        buffer.byte((index < 4 ? low >>> (index * 8) : high >>> ((index - 4) * 8)) & 0xff);
      }
    },
    read(bytes, position, signed) {
      let low = 0;
      let high = 0;
      for (let i = 0; i < size; i++) {
        const index = littleEndian ? size - 1 - i : i;
        const fromEnd = size - 1 - i;
        if (fromEnd < 4) low = low * 256 + bytes[position + index]!;
        else high = high * 256 + bytes[position + index]!;
      }
      return signedOrNot(high, low, size * 8, signed, name);
    },
  };
}

/** The upper and lower 32 bits; 2^63 is the value of the largest int64. */
function wordsOf(value: number): readonly [high: number, low: number] {
  if (value >= 2 ** 63) return [0x7fffffff, 0xffffffff];
  return [Math.floor(value / TWO_POW_32) >>> 0, value >>> 0];
}

function signedOrNot(high: number, low: number, bits: number, signed: boolean, text: string) {
  if (bits === 32 && signed) return low | 0;
  const upper = signed && bits === 64 ? high | 0 : high;
  return checkedSafe(upper * TWO_POW_32 + low, text);
}

function checkedSafe(value: number, text: string): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`number ${text} is beyond 2^53-1`);
  return value;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
