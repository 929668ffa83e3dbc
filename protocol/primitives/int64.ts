/**
 * Kafka's int64 as a JavaScript number.
 *
 * Up to ±(2^53 - 1) a number holds an int64 exactly. Above that it is the nearest JavaScript
 * number: nanoseconds since 1970 are exact to 256 of them, and `Long.MAX_VALUE` is 2^63. Such
 * values compare correctly, larger (or smaller) than every offset and every time in milliseconds,
 * and the ends of the range are written back unchanged. Record bytes are never rewritten, so they
 * are never rounded.
 *
 * @module
 */

/** The value of `Long.MAX_VALUE`: the nearest number to 2^63 - 1. */
export const INT64_MAX: number = 2 ** 63;

/** `Long.MIN_VALUE`, which a number holds exactly. */
export const INT64_MIN: number = -(2 ** 63);

const TWO_POW_32 = 2 ** 32;

/**
 * Decimal text of an integer with all its digits; values outside the range of int64 are clamped.
 */
export function int64Text(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (value >= INT64_MAX) return "9223372036854775807";
  return String(BigInt(Math.max(value, INT64_MIN)));
}

/** The int64 of two halves: `high` is signed, of `low` the lower 32 bits count. */
export function joinInt64(high: number, low: number): number {
  return high * TWO_POW_32 + (low >>> 0);
}

/** The upper 32 bits of a safe integer, signed; the lower ones are `value >>> 0`. */
export function upperInt32(value: number): number {
  return Math.floor(value / TWO_POW_32);
}

/** Reads the int64 at `position`, big-endian. */
export function getInt64(view: DataView, position: number): number {
  return joinInt64(view.getInt32(position), view.getInt32(position + 4));
}

/**
 * Writes an integer as an int64 at `position`, big-endian. A number outside the range of int64 is
 * clamped; a bigint must be within the range.
 *
 * @throws {RangeError} If the value is not an integer.
 */
export function setInt64(view: DataView, position: number, value: number | bigint): void {
  if (typeof value === "bigint") return view.setBigInt64(position, value);
  if (!Number.isSafeInteger(value)) {
    if (!Number.isInteger(value)) throw new RangeError(`Cannot write ${value} as int64`);
    if (value >= INT64_MAX) {
      view.setInt32(position, 0x7fffffff);
      view.setUint32(position + 4, 0xffffffff);
      return;
    }
    if (value < INT64_MIN) value = INT64_MIN;
  }
  view.setInt32(position, upperInt32(value));
  view.setUint32(position + 4, value);
}
